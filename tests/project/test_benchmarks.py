"""The benchmark suite's pieces; how long anything takes is no test."""

import json

import mlflow
import pytest

from benchmarks.__main__ import SECTIONS
from benchmarks.figures import absolute, as_markdown, cells, ratio, skipped
from benchmarks.fixtures import Fixtures
from benchmarks.load import is_whole
from benchmarks.peers.rows import Graph
from benchmarks.publish import FIGURES, PAGE, rendered
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory):
    return Fixtures(tmp_path_factory.mktemp("benchmarks"), n_rows=600)


def test_the_page_shows_the_published_figures():
    page, published = PAGE.read_text(), json.loads(FIGURES.read_text())
    assert rendered(page, published) == page


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_a_module_and_has_a_place_on_the_page(section):
    assert "def measure(setting: Setting)" in (ROOT / "benchmarks" / f"{section}.py").read_text()
    assert f"<!-- {section} -->\n" in PAGE.read_text()


def test_figures_are_put_between_the_marks_of_their_section():
    page = "before\n<!-- fit -->\nold\n<!-- end fit -->\nafter\n"
    figures = [absolute("fit", "s", [1.0, 2.0, 3.0], "< 5")]
    assert rendered(page, {"machine": {}, "sections": {"fit": figures}}) == (
        f"before\n<!-- fit -->\n{as_markdown(figures)}\n<!-- end fit -->\nafter\n"
    )


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    figure = ratio("fit", "s", [2.0, 9.0, 4.0], "peer", [1.0, 3.0, 4.0], "<= 1.5")
    assert (figure["median"], figure["range"], figure["met"]) == (2.0, [1.0, 3.0], False)


def test_a_figure_that_could_not_be_measured_says_why():
    assert "skipped: no network" in cells(skipped("serve", "no network", ">= 6"))


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Le", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfour", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n", True),
    ],
)
def test_the_client_waits_for_the_whole_answer(answer, whole):
    assert is_whole(answer) is whole


def test_the_client_ends_at_any_other_status():
    with pytest.raises(SystemExit, match="expected 200"):
        is_whole(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")


def test_the_peer_without_checks_answers_as_the_artifact_does(fixtures):
    model = mlflow.pyfunc.load_model(str(fixtures.artifact))
    expected = model.predict(fixtures.row).to_dict("records")
    asked = json.loads(fixtures.request)["dataframe_split"]
    (answer,) = Graph(str(fixtures.artifact)).answer(asked)["predictions"]
    assert answer == pytest.approx(expected[0])


def test_the_constant_peer_has_the_columns_and_the_params_of_the_artifact(fixtures):
    constant = mlflow.pyfunc.load_model(str(fixtures.constant))
    assert constant.metadata.signature == fixtures.signature
    assert list(constant.predict(fixtures.row)) == ["prediction", "probability"]


def test_the_raw_pipeline_of_scikit_learn_reads_the_same_row(fixtures):
    assert fixtures.scikit_learn.predict_proba(fixtures.row).shape == (1, 2)
