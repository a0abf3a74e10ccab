import json
import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from custom_model.predictor import decide
from steps.environment import GRAPH_PACKAGES, locked
from steps.errors import StepError
from steps.lock import parse_file
from steps.proof import prove
from steps.storage import load_training
from tests.tables import customers, ten_classes

NAME = "package-test"


FORMS = {
    "onnx": (NAME, {}),
    "pickle": ("pickle-test", {"classifier": "xgboost.XGBClassifier", "n_estimators": 3}),
}


@pytest.fixture(scope="module")
def made():
    """The packagings that the tests of this module read."""
    return {}


@pytest.fixture
def packaging(step, made, tmp_path_factory):
    """Package in a form, once; returns the outcome and a copy of the artifact.

    Copied at once, for loading an artifact from a store in a folder caches bytecode there.
    """

    def package(form: str):
        if form not in made:
            name, params = FORMS[form]
            step("train", **params)
            step("evaluate")
            outcome, copy = step("package", model_name=name), tmp_path_factory.mktemp(form)
            mlflow.artifacts.download_artifacts(f"models:/{name}@champion", dst_path=str(copy))
            made[form] = outcome, copy
        return made[form]

    return package


@pytest.fixture
def packaged(packaging):
    return packaging("onnx")[0]


def test_the_artifact_answers_as_the_pipeline_on_every_held_out_row(packaged):
    training = load_training(packaged.runs("train")[0].info.run_id)
    expected = training.pipeline.predict_proba(training.matrix)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    answer = model.predict(training.signed(), params={"output": "all"})
    classes = training.contract["classes"]
    assert answer["prediction"].tolist() == [classes[i] for i in decide(expected)]
    given = answer[[f"probability_{label}" for label in classes]].to_numpy()
    assert np.abs(given - expected).max() <= 1e-6


def test_the_artifact_loads_where_pickles_are_forbidden(packaged, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    assert len(model.predict(model.input_example)) == 5


def test_the_artifact_holds_its_code_the_contract_and_the_graph(packaging):
    _, folder = packaging("onnx")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "MLmodel",
        "model.py",
        "artifacts/contract.json",
        "artifacts/model_card.md",
        "artifacts/pipeline.onnx",
        "artifacts/predictor.py",
        "artifacts/sbom.cdx.json",
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        "input_example.json",
        "serving_input_example.json",
        "registered_model_meta",
    }


def test_the_serving_environment_is_pinned_and_minimal(packaged):
    text = mlflow.artifacts.load_text(f"models:/{NAME}@champion/requirements.txt")
    assert tuple(parse_file(text)) == locked(*GRAPH_PACKAGES)


def test_the_version_links_to_its_runs_and_the_alias_points_to_it(packaged, client):
    version = client.get_model_version_by_alias(NAME, "champion")
    runs = [packaged.runs(step)[0] for step in ("train", "evaluate", "package")]
    linked = {name: version.tags[f"{name}_run_id"] for name in ("train", "evaluate", "package")}
    assert list(linked.values()) == [run.info.run_id for run in runs]
    assert packaged.runs("package")[0].data.tags["model_version"] == str(version.version)


def test_a_rejected_run_is_not_packaged(step, client):
    step("train")
    step("evaluate", gates="accuracy>1")
    outcome = step("package", model_name="rejected-test")
    assert outcome.status == 1
    assert "was rejected: accuracy>1 not reached: accuracy is" in outcome.err
    assert client.search_registered_models("name = 'rejected-test'") == []


def test_a_run_that_is_not_evaluated_is_not_packaged(step):
    step("train")
    outcome = step("package", model_name="unevaluated-test")
    assert "is not evaluated; run the entry point evaluate with run_id=" in outcome.err


def test_an_artifact_that_answers_otherwise_is_found_out(packaged, step):
    other = load_training(step("train", max_iter=3).runs("train")[0].info.run_id)
    with pytest.raises(StepError, match=r"answers \d+ of 69 held-out rows unlike .* \(rows"):
        prove(f"models:/{NAME}@champion", other, "local")


def test_a_pickled_artifact_says_so_and_names_what_it_needs(packaging, client):
    outcome, _ = packaging("pickle")
    assert outcome.err.startswith("warning: packaged as a pickle, not as a graph: no conversion")
    version = client.get_model_version_by_alias("pickle-test", "champion")
    assert version.tags["pipeline_format"] == "pickle"
    text = mlflow.artifacts.load_text("models:/pickle-test@champion/requirements.txt")
    names = {pin.name for pin in parse_file(text)}
    assert {"scikit-learn", "xgboost-cpu", "cloudpickle", "mlflow-skinny"} <= names
    assert not {"mlflow", "pytest", "onnxruntime", "matplotlib"} & names


@pytest.mark.parametrize("form", ["onnx", "pickle"])
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_is_refused_by_its_name(packaging, tmp_path, form, damage):
    shutil.copytree(packaging(form)[1], tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "artifacts").iterdir():
        good = path.read_bytes()
        path.write_bytes(good[:-1] if damage == "truncated" else good[:-1] + b"\x00")
        with pytest.raises(MlflowException, match=f"{path.name} was altered after packaging"):
            mlflow.pyfunc.load_model(str(tmp_path))
        path.write_bytes(good)


def test_a_pickle_of_another_python_is_refused_before_it_is_read(packaging, monkeypatch):
    _, folder = packaging("pickle")
    monkeypatch.setattr("sys.version_info", type("V", (), {"major": 3, "minor": 99})())
    with pytest.raises(MlflowException, match=r"pickled by Python 3.\d+ and cannot .* Python 3.99"):
        mlflow.pyfunc.load_model(str(folder))


def test_a_pickle_of_another_scikit_learn_is_refused_before_it_is_read(packaging, monkeypatch):
    _, folder = packaging("pickle")
    monkeypatch.setattr("sklearn.__version__", "1.99.0")
    with pytest.raises(MlflowException, match=r"by scikit-learn 1\.\d+ and .* scikit-learn 1\.99"):
        mlflow.pyfunc.load_model(str(folder))


def test_integer_labels_come_back_as_integers_and_follow_the_threshold(step, tmp_path):
    customers().to_csv(tmp_path / "t.csv", index=False)
    step("train", data=tmp_path / "t.csv", target="churn")
    step("evaluate")
    step("package", model_name="binary-test")
    model = mlflow.pyfunc.load_model("models:/binary-test@champion")
    rows = model.input_example
    assert model.predict(rows)["prediction"].dtype == np.int64
    assert model.predict(rows, params={"threshold": 1.0})["prediction"].tolist() == [0] * 5
    assert model.predict(rows, params={"threshold": 0.0})["prediction"].tolist() == [1] * 5


@pytest.mark.slow
def test_ten_awkward_labels_come_back_unchanged(step, tmp_path):
    table = ten_classes()
    table.to_csv(tmp_path / "t.csv", index=False)
    step("train", data=tmp_path / "t.csv", target="label")
    step("evaluate")
    assert step("package", model_name="ten-test").status == 0
    model = mlflow.pyfunc.load_model("models:/ten-test@champion")
    rows = table.drop(columns="label").iloc[:100]
    assert set(model.predict(rows)["prediction"]) <= set(table["label"])


def test_the_input_example_holds_a_handful_of_rows(packaged):
    example = json.loads(mlflow.artifacts.load_text(f"models:/{NAME}@champion/input_example.json"))
    assert len(example["data"]) == 5


def test_as_many_rows_come_out_as_go_in_also_none(packaged):
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    none = model.input_example.iloc[:0]
    assert isinstance(none, pd.DataFrame)
    assert len(model.predict(none)) == 0
