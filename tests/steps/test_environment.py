import subprocess
import sys
from importlib.metadata import distributions, version

import cloudpickle
import pytest
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from steps import environment
from steps.environment import GRAPH_PACKAGES, locked, requirements
from tests.environments import of_the_lock


def test_a_graph_needs_the_skinny_client_and_the_runtime_only():
    assert requirements("pipeline.onnx", b"") == [
        f"{name}=={version(name)}" for name in ("mlflow-skinny", "numpy", "onnxruntime", "pandas")
    ]


def test_a_pickle_needs_the_packages_that_it_names():
    pinned = requirements(
        "pipeline.pkl", cloudpickle.dumps([XGBClassifier(), LogisticRegression()])
    )
    assert f"xgboost-cpu=={version('xgboost-cpu')}" in pinned
    assert f"scikit-learn=={version('scikit-learn')}" in pinned


def test_to_find_them_the_metadata_of_each_distribution_is_parsed_once(monkeypatch):
    kind = type(next(iter(distributions())))  # of a backport, once anything has imported that
    parsed, parse = [], kind.metadata.fget
    monkeypatch.setattr(kind, "metadata", property(lambda it: parsed.append(it) or parse(it)))
    environment._distributions.cache_clear()
    requirements("pipeline.pkl", cloudpickle.dumps(LogisticRegression()))
    assert 1 <= len(parsed) <= 2 * len(list(distributions()))


def test_nothing_of_the_repository_is_a_requirement():
    code = (
        "from steps.environment import requirements; from steps.storage import pickled;"
        "from custom_model.preprocessing import build_preprocessor;"
        "print(requirements('pipeline.pkl', pickled(build_preprocessor)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "custom" not in out.stdout
    assert "pytest" not in out.stdout


@of_the_lock
def test_all_that_the_packages_require_is_locked_for_every_platform():
    pins = {pin.name: pin for pin in locked(*GRAPH_PACKAGES)}
    assert {"pydantic-core", "python-dateutil", "certifi"} <= set(pins)
    assert "win32" in pins["tzdata"].line  # pandas requires it on Windows only
    assert all(pin.hashes for pin in pins.values())
    here = {pin.name: pin.version for pin in locked(*GRAPH_PACKAGES) if pin.here}
    assert here["pandas"] == version("pandas")


@of_the_lock
def test_what_only_the_versions_for_another_python_require_is_locked_too():
    pins = {pin.name: pin for pin in locked(*GRAPH_PACKAGES)}
    for name in ("coloredlogs", "sympy", "mpmath", "pytz"):  # of onnxruntime and pandas on 3.10
        assert str(pins[name].marker) == 'python_full_version < "3.11"'


@pytest.mark.parametrize("name", ["pytest", "scikit-learn", "matplotlib", "mlflow", "pyarrow"])
def test_serving_a_graph_goes_without(name):
    assert name not in {pin.name for pin in locked(*GRAPH_PACKAGES)}


@of_the_lock
def test_an_extra_brings_its_requirements():
    plain, extra = locked("psycopg"), locked("psycopg[binary]")
    assert {pin.name for pin in extra} - {pin.name for pin in plain} == {"psycopg-binary"}


@of_the_lock
def test_another_version_than_the_locks_is_pinned_without_hashes_and_told(monkeypatch, capsys):
    others = tuple(
        pin._replace(version="0.1") if pin.name == "six" else pin
        for pin in environment.locked_pins()
    )
    monkeypatch.setattr(environment, "locked_pins", lambda: others)
    pins = locked("python-dateutil")
    assert [pin.line for pin in pins] == [
        f"{name}=={version(name)}" for name in ("python-dateutil", "six")
    ]
    assert f"uv.lock has not six {version('six')} (uv sync makes" in capsys.readouterr().err
