import json

import pytest

from tests.artifacts import make_artifact
from tests.browser import browser
from tests.own_server import own_server
from tests.steps.server.conftest import ROW, records
from tests.tables import ten_classes


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def page(chromium):
    """A page that tells what went wrong in it."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda told: page.wrong.append(told.text) if told.type == "error" else None)
    yield page
    page.close()


def answer_on(page):
    """Press the button; returns the label and the share of each class."""
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#label")
    rows = page.locator("tr").all_inner_texts()
    return page.locator("#label").inner_text(), dict(row.split("\t")[::2] for row in rows)


def test_a_row_that_is_filled_in_is_answered_with_the_probabilities(page, server):
    page.goto(server.url)
    for name, value in ROW.items():
        field = page.get_by_label(name, exact=True)
        if name == "member":
            field.select_option("true")
        else:
            field.fill(str(value))
    label, shares = answer_on(page)
    (expected,) = server.ask(records(ROW, params={"output": "all"})).predictions
    assert label == str(expected["prediction"])
    assert shares == {text: f"{expected[f'probability_{text}']:.4f}" for text in ("0", "1")}
    assert page.wrong == []


def test_the_first_row_of_the_example_stands_there_already(page, server):
    page.goto(server.url)
    label, _ = answer_on(page)
    example = server.get("/openapi.json")
    body = json.loads(example.text)["paths"]["/invocations"]["post"]["requestBody"]
    table = body["content"]["application/json"]["example"]["dataframe_split"]
    row = dict(zip(table["columns"], table["data"][0], strict=True))
    assert label == str(server.ask(records(row)).predictions[0]["prediction"])


def test_an_empty_field_is_a_null_and_a_bad_one_is_told(page, server):
    page.goto(server.url)
    page.get_by_label("age", exact=True).fill("")
    answer_on(page)
    page.get_by_label("age", exact=True).fill("old")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector(".bad")
    said = page.locator(".bad").inner_text()
    assert said == "column 'age', row 0: expected a number, got 'old'"


def test_known_categories_are_offered(page, server):
    page.goto(server.url)
    page.wait_for_selector("#form")
    offered = page.eval_on_selector(
        "input[name=city]", "i => [...i.list.options].map(o => o.value)"
    )
    assert sorted(offered) == sorted(["Oslo", "Zürich", "São Paulo", "東京"])


def test_a_server_with_a_token_asks_for_it(page, artifact, tmp_path):
    (tmp_path / "token").write_text("s3cret")
    with own_server(artifact, tmp_path, token_file=tmp_path / "token") as server:
        page.goto(server.url)
        field = page.get_by_label("This server asks for its token")
        field.fill("wrong")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_selector(".bad")
        field.fill("s3cret")
        page.get_by_role("button", name="Continue").click()
        assert answer_on(page)[0] in ("0", "1")


def test_ten_classes_with_awkward_names_are_shown_as_they_are(page, tmp_path):
    artifact = make_artifact(tmp_path / "model", ten_classes(), "label")
    with own_server(artifact, tmp_path) as server:
        page.goto(server.url)
        label, shares = answer_on(page)
        assert set(shares) == set(map(str.strip, ten_classes()["label"].unique()))
        assert label in shares
        assert page.wrong == []


def test_on_a_phone_nothing_is_cut_off(page, server):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(server.url)
    answer_on(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
