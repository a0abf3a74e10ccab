"""What a person sees who opens the MLflow UI on the first command's runs."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import browser
from tests.conftest import environment
from tests.facts import happy_runs
from tests.serving import free_port, wait_for

pytestmark = pytest.mark.slow
SECONDS = 60_000  # in milliseconds: the UI's first page loads slowly on a busy machine


@pytest.fixture(scope="module")
def page():
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(SECONDS)
        yield page


@pytest.fixture(scope="module")
def ui(page, store, tmp_path_factory):
    """The address of a real ``mlflow ui`` on the session's store."""
    folder, port = tmp_path_factory.mktemp("ui"), free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("mlflow")), "ui", "--workers", "1",
         "--backend-store-uri", store, "--port", str(port)],
        cwd=folder, env=environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),  # twice as quick
        start_new_session=True,
        stdout=(folder / "log").open("w"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}", process, "health")
        yield f"http://127.0.0.1:{port}/#"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def runs(client):
    return happy_runs(client)


def test_the_metrics_of_the_evaluation_are_seen(page, ui, runs):
    page.goto(f"{ui}/experiments/0/runs/{runs['evaluate'].info.run_id}")
    page.get_by_text(re.compile("^Metrics")).first.wait_for()
    row = page.get_by_role("row").filter(has_text="log_loss").first
    shown = re.search(r"0\.\d+", row.inner_text())[0]
    assert float(shown) == pytest.approx(runs["evaluate"].data.metrics["log_loss"], abs=1e-4)


def test_the_report_is_read_in_the_artifact_view(page, ui, runs):
    run_id = runs["main"].info.run_id
    page.goto(f"{ui}/experiments/0/runs/{run_id}/artifacts/report.html")
    frame = page.frame_locator("iframe")
    assert (
        frame.locator("h1").inner_text()
        == "hist_gradient_boosting predicts species from penguins.csv"
    )
    assert frame.locator(".badge").inner_text() == "VALIDATED"
    inner = page.frames[-1]
    assert inner.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert inner.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_a_link_within_the_report_leads_to_its_section_there_too(page, ui, runs):
    page.goto(f"{ui}/experiments/0/runs/{runs['main'].info.run_id}/artifacts/report.html")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Limits").click()
    place = frame.locator("#limits h2").bounding_box()["y"]
    assert 0 < place < 900


def test_the_registered_version_is_seen_with_its_alias_and_description(page, ui, client):
    version = client.get_model_version_by_alias("pyfunc-classifier", "champion")
    page.goto(f"{ui}/models/pyfunc-classifier/versions/{version.version}")
    page.get_by_role("heading", name=f"Version {version.version}").wait_for()
    page.get_by_text(re.findall(r"[\w-]+", version.description)[0]).first.wait_for()
    assert "champion" in page.inner_text("body")
