import re

import pytest

from steps.report import ranges, render
from tests.browser import browser
from tests.facts import AWKWARD, everything, metric, nothing


def section(html: str, name: str) -> str:
    return html.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def test_it_is_one_file_that_needs_no_network_and_no_script():
    html = render(everything())
    links = re.findall(r'(?:src|href|srcset|action)="([^"]*)"', html)
    assert {link[:1] if link[0] == "#" else link[:15] for link in links} == {"#", "data:image/png;"}
    assert not re.search(r"<script|<link|@import|url\(", html)


def test_names_and_labels_of_the_user_are_text_not_markup():
    html = render(everything(AWKWARD, AWKWARD, n=3))
    assert "<script" not in html
    assert "&lt;script&gt;" in section(html, "slices")


def test_the_title_names_classifier_target_file_and_verdict():
    html = render(nothing(classifier="knn", target="churn", data="/a/b.csv", verdict="REJECTED"))
    assert "<title>knn predicts churn: REJECTED</title>" in html
    heading = re.sub(r"<[^>]+>", "", re.search(r"<h1>.*</h1>", html)[0])
    assert heading == "knn predicts churn from b.csv"


def test_what_no_run_holds_is_left_out():
    assert re.findall(r'<section id="(\w+)">', render(nothing())) == ["trained", "reproduce"]


def test_the_sections_stand_in_the_order_of_a_readers_questions():
    assert re.findall(r'<section id="(\w+)">', render(everything())) == [
        "trained", "verdict", "metrics", "plots", "features", "slices", "threshold", "data",
        "limits", "use", "reproduce",
    ]  # fmt: skip


def test_a_missed_gate_stands_with_what_was_found():
    assert re.search(
        r"f1&gt;0.9 <small class=\"bad\">not reached</small></td><td>f1 is 0.8",
        section(render(everything()), "verdict"),
    )


def test_metrics_stand_with_interval_baseline_and_champion():
    row = re.search(r"<tr.*>roc_auc<.*", section(render(everything()), "metrics"))[0]
    cells = re.findall(r'class="number">([^<]*)<', row)
    assert cells == ["0.9000", "0.8900 to 0.9100", "0.5000", "0.8500"]


def test_no_column_for_a_champion_that_there_is_not():
    html = render(nothing(metrics=[metric("f1", 0.8)]))
    assert "Champion" not in html


def test_a_figure_beyond_one_stretches_its_scale():
    assert ranges([metric("log_loss", 2.0, low=1.0, high=2.0, baseline=0.5)]) == {
        "log_loss": {"value": 100, "low": 50, "high": 100, "baseline": 25}
    }


def test_the_plots_are_in_the_file_known_ones_first():
    titles = re.findall(r"<figure><h3>([^<]+)</h3>", render(everything()))
    assert titles == ["Confusion matrix", "ROC curve", "A plot of mine"]


@pytest.mark.parametrize(
    ("name", "rows", "more"),
    [("slices", 15, "25 more slices"), ("features", 15, "25 more features"), ("threshold", 20, "")],
)
def test_a_long_table_is_cut_and_says_how_much_more_there_is(name, rows, more):
    found = section(render(everything()), name)
    assert found.count("<tr>") - 1 == rows
    assert more in found


def test_the_thresholds_reach_from_the_first_to_the_last():
    found = section(render(everything()), "threshold")
    shown = re.findall(r'<tr><td class="number">([\d.]+)', found)
    assert (shown[0], shown[-1]) == ("0.01", "0.99")


def test_a_model_that_is_not_registered_is_not_shown_in_use():
    facts = everything()
    facts["model"]["version"] = ""
    assert section(render(facts), "use") == ""


def test_a_registered_one_stands_with_its_version_and_proof():
    found = section(render(everything()), "use")
    assert "churn version 4" in found
    assert "250 held-out rows and the example" in found


def test_code_with_changes_of_its_own_is_told():
    assert "with changes that are in no commit" in render(everything())


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["a very long name of a column " * 6, "x" * 120])
def test_nothing_overflows_its_page(tmp_path, chromium, width, name):
    (tmp_path / "report.html").write_text(render(everything(name, name)), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cells = page.evaluate(
        "[...document.querySelectorAll('td:not(:empty)')].map(c => c.clientWidth)"
    )
    assert min(cells) > 20  # else letters stand one below the other


def test_the_plots_show_in_a_browser(tmp_path, chromium):
    (tmp_path / "report.html").write_text(render(everything()), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("[...document.images].map(image => image.naturalWidth)") == [1, 1, 1]
