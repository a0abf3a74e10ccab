import json
import sys

import numpy as np
import pytest

from custom_model.predictor import encode
from steps.drift import compare
from steps.server.observed import Observed
from tests.own_server import own_server
from tests.steps.server.conftest import ROW, records
from tests.tables import customers

PREFIX = "pyfunc_classifier_"


@pytest.fixture
def fresh(artifact, tmp_path):
    with own_server(artifact, tmp_path) as server:
        yield server


def test_requests_are_counted_by_path_and_status(fresh):
    fresh.ask(records(ROW))
    fresh.ask(records(ROW))
    fresh.ask("{}")
    fresh.get("/nowhere")
    metrics = fresh.metrics()
    counted = {name: value for name, value in metrics.items() if "requests_total" in name}
    assert counted == {
        PREFIX + 'requests_total{path="/invocations",status="200"}': 2,
        PREFIX + 'requests_total{path="/invocations",status="400"}': 1,
        PREFIX + 'requests_total{path="other",status="404"}': 1,
        PREFIX + 'requests_total{path="/ping",status="200"}': metrics[
            PREFIX + 'requests_total{path="/ping",status="200"}'
        ],
    }


def test_answered_rows_and_latencies_are_counted(fresh):
    fresh.ask(records(ROW, ROW, ROW))
    fresh.ask(records(ROW, ROW | {"age": "old"}))
    metrics = fresh.metrics()
    assert metrics[PREFIX + "rows_total"] == 3
    assert metrics[PREFIX + 'request_seconds_count{path="/invocations"}'] == 2


def test_nulls_unknown_categories_and_numbers_outside_the_range_are_counted(fresh):
    fresh.ask(records(ROW | {"age": None}, ROW | {"city": "Rome"}, ROW | {"age": 1000}, ROW))
    metrics = fresh.metrics()
    assert metrics[PREFIX + 'null_cells_total{feature="age"}'] == 1
    assert metrics[PREFIX + 'unknown_categories_total{feature="city"}'] == 1
    assert metrics[PREFIX + 'outside_numbers_total{feature="age"}'] == 1
    assert PREFIX + 'unknown_categories_total{feature="age"}' not in metrics


def test_a_request_without_rows_leaves_nothing_in_memory(artifact):
    contract = json.loads((artifact / "artifacts" / "contract.json").read_text())
    observed = Observed(contract)
    kept = sys.getsizeof(observed._waiting)
    for _ in range(1000):
        observed.add(encode(customers(10)[:0], contract))
    assert sys.getsizeof(observed._waiting) == kept


def test_the_drift_that_is_shown_is_that_of_the_step_drift(artifact):
    rows = customers(3000, seed=1).assign(age=lambda frame: frame["age"] + 20)
    contract = json.loads((artifact / "artifacts" / "contract.json").read_text())
    expected = compare(rows, contract)
    observed = Observed(contract)
    for part in np.array_split(encode(rows, contract), 100):
        observed.add(part)
    assert observed.drift() == pytest.approx(expected["value"].tolist(), abs=1e-9)
    assert max(observed.drift()) > 0.2
