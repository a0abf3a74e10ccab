"""Every row of docs/tracking.md, read back through MlflowClient."""

import hashlib
import json
import re
import sys
from collections.abc import Callable

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from steps.metrics import METRICS, OBJECTS
from tests.conftest import ROOT, shell
from tests.record import Record

ROW = re.compile(
    r"^\| (?P<item>[^|]+) \| [^|]+ \| (?P<autolog>yes|no) \| (?P<ours>yes|no) \|$", re.M
)
TABLE = {
    found["item"]: (found["autolog"] == "yes", found["ours"] == "yes")
    for found in ROW.finditer((ROOT / "docs" / "tracking.md").read_text(encoding="utf-8"))
}
NAME = "tracking-test"
PENGUINS = "hist_gradient_boosting penguins.csv:species"
AUTOLOG_ALONE = """
import sys
import mlflow, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
mlflow.set_tracking_uri(sys.argv[2])
mlflow.sklearn.autolog()
frame = pd.read_csv(sys.argv[1])
labels = frame.pop("species") == "Gentoo"  # of more than two classes autolog draws less
texts = ["island", "sex"]
encoder = OrdinalEncoder()
preprocessor = make_column_transformer((encoder, texts), remainder=SimpleImputer())
with mlflow.start_run() as run:
    make_pipeline(preprocessor, HistGradientBoostingClassifier(max_iter=5)).fit(frame, labels)
print(run.info.run_id)
"""


def figure(*names: str) -> Callable[[Record], bool]:
    return lambda record: any(record.metrics.get(name, -1) >= 0 for name in names)


def picture(*names: str) -> Callable[[Record], bool]:
    def drawn(record: Record) -> bool:
        found = [record.path(name) for name in names if record.has(name)]
        return any(path.read_bytes().startswith(b"\x89PNG") for path in found)

    return drawn


def data_set(context: str, rows: int) -> Callable[[Record], bool]:
    def logged(record: Record) -> bool:
        found = record.inputs.get(context)
        if not found:
            return False
        profile = json.loads(found.dataset.profile)
        return profile.get("num_rows", rows) == rows and bool(found.dataset.schema)

    return logged


def recomputed(record: Record, name: str) -> float:
    """A metric, from the logged predictions."""
    answers = pd.read_parquet(record.path("predictions.parquet"))
    scores = answers.filter(like="probability_")
    classes = [name.removeprefix("probability_") for name in scores]
    labels, predicted = (
        np.array([classes.index(x) for x in answers[c]]) for c in ("truth", "prediction")
    )
    return METRICS[name](labels, predicted, scores.to_numpy())


def metric(name: str, autolog: str = "") -> Callable[[Record], bool]:
    def equal(record: Record) -> bool:
        if name in record.metrics:
            return record.metrics[name] == pytest.approx(recomputed(record, name))
        return autolog in record.metrics

    return equal


def interval(record: Record) -> bool:
    return any(name.endswith("_low") for name in record.metrics) and all(
        record.metrics[f"{name}_low"] <= record.metrics[name] <= record.metrics[f"{name}_high"]
        for name in METRICS
    )


def same_data(record: Record) -> bool:
    sha256 = hashlib.sha256((ROOT / "data" / "penguins.csv").read_bytes()).hexdigest()
    return (
        record.has("data/source.json")
        and record.json("data/source.json")["sha256"] == record.tags["data_sha256"] == sha256
    )


def git(*words: str) -> str:
    return shell(["git", *words], ROOT).stdout.strip()


def learned(record: Record, name: str) -> bool:
    """A curve of many steps, the last lower than the first."""
    values = record.steps_of(name)
    return len(values) > 10 and values[-1] < values[0]


CLAIMS: dict[str, Callable[[Record], bool]] = {
    "accuracy": metric("accuracy", "training_accuracy_score"),
    "precision": metric("precision", "training_precision_score"),
    "recall": metric("recall", "training_recall_score"),
    "F1": metric("f1", "training_f1_score"),
    "AUC": metric("roc_auc", "training_roc_auc"),
    "log loss": metric("log_loss", "training_log_loss"),
    "Brier score": metric("brier"),
    "training metrics": figure("training_accuracy", "training_accuracy_score"),
    "training loss per iteration": lambda r: learned(r, "training_loss"),
    "validation loss per iteration": lambda r: learned(r, "validation_loss"),
    "figures of every class": lambda r: (
        r.has("per_class.json")
        and r.table("per_class.json").set_index("class")["recall"]["Gentoo"]
        == r.metrics["recall_per_class/Gentoo"]
    ),
    "confidence intervals": interval,
    "custom metrics": metric("calibration_error"),
    "timings of the stages": lambda r: all(
        r.metrics.get(f"{stage}_seconds", -1) >= 0
        for stage in ("read", "split", "encode", "fit", "score", "proof_server")
    ),
    "CPU and memory": lambda r: (
        0 < r.metrics.get("system/cpu_utilization_percentage", 0) <= 100
        and r.metrics["system/system_memory_usage_megabytes"] > 100
        and r.metrics["peak_memory_megabytes"] > 100
    ),
    "hyperparameters": lambda r: (
        r.params.get("max_iter", r.params.get("histgradientboostingclassifier__max_iter"))
        in ("100", "5")
    ),
    "hyperparameters as given, and no others": lambda r: (
        r.has("hyperparameters.json") and r.json("hyperparameters.json") == {}
    ),
    "split and seed": lambda r: (r.params.get("test_size"), r.params.get("seed")) == ("0.2", "42"),
    "imputation and encoding": lambda r: (
        r.params.get("preprocessor__one_hot__handle_unknown") == "error"
        or "columntransformer__ordinalencoder__handle_unknown" in r.params
    ),
    "features by kind and treatment": lambda r: (
        r.params.get("features_categorical")
        == r.params.get("treatment_one_hot", "")
        == "island, sex"
    ),
    "long parameter values": lambda r: (
        r.has("parameters.json") and r.json("parameters.json")["max_iter"] == r.params["max_iter"]
    ),
    "model summary": lambda r: (
        r.has("estimator.html")
        and (not r.has("model_summary.json") or r.json("model_summary.json")["n_trees"] == 300)
    ),
    "confusion matrix": picture("confusion_matrix.png"),
    "ROC curve": picture("roc_curve.png"),
    "precision-recall curve": picture("precision_recall_curve.png"),
    "calibration curve": picture("calibration_curve.png"),
    "loss curve": picture("loss_curve.png"),
    "feature importances": lambda r: (
        picture("feature_importance.png")(r) and len(r.table("importances.json")) == 7
    ),
    "dependence on the strongest feature": picture("dependence.png"),
    "link to the data, with hash": same_data,
    "the data itself": lambda r: (
        r.has("data/penguins.csv")
        and r.path("data/penguins.csv").read_bytes()
        == (ROOT / "data" / "penguins.csv").read_bytes()
    ),
    "scripts": lambda r: (
        r.has("code/steps/main.py")
        and r.path("code/custom_model/predictor.py").read_bytes()
        == (ROOT / "custom_model" / "predictor.py").read_bytes()
    ),
    "environment files": lambda r: any(
        "mlflow" in mlflow.artifacts.load_text(f"{model.artifact_location}/requirements.txt")
        for model in r.models.values()
    ),
    "resolved packages": lambda r: (
        r.has("code/packages.txt")
        and f"mlflow=={mlflow.__version__}" in r.path("code/packages.txt").read_text().splitlines()
    ),
    "bill of materials (CycloneDX)": lambda r: (
        bool(r.version)
        and "pkg:pypi/onnxruntime@"
        in mlflow.artifacts.load_text(
            f"{r.model('model').artifact_location}/artifacts/sbom.cdx.json"
        )
    ),
    "report": lambda r: (
        r.has("report.html")
        and "hist_gradient_boosting" in r.path("report.html").read_text(encoding="utf-8")
    ),
    "model card": lambda r: bool(r.version) and "## " in r.version.description,
    "scikit-learn pipeline": lambda r: (
        len(mlflow.sklearn.load_model(r.model("pipeline", "model").artifact_location).classes_) > 1
    ),
    "ONNX model": lambda r: (
        "graph" in r.models
        and mlflow.onnx.load_model(r.models["graph"].model_uri).graph.input[0].name == "features"
    ),
    "custom pyfunc": lambda r: (
        "graph" in r.models
        and len(mlflow.pyfunc.load_model(f"models:/{NAME}@champion").input_example) == 5
    ),
    "author": lambda r: bool(r.tags.get("author")),
    "model type": lambda r: (
        r.tags.get("model_type", r.tags.get("estimator_name"))
        in ("HistGradientBoostingClassifier", "Pipeline")
    ),
    "description": lambda r: all(run.data.tags.get("mlflow.note.content") for run in r.runs),
    "git commit and branch": lambda r: (
        (r.tags.get("git_commit"), r.tags.get("git_branch"))
        == (git("rev-parse", "HEAD"), git("rev-parse", "--abbrev-ref", "HEAD"))
    ),
    "uncommitted changes": lambda r: (
        (r.tags.get("git_dirty") == "true") == r.has("uncommitted.diff") and "git_dirty" in r.tags
    ),
    "Python and platform": lambda r: (
        r.tags.get("python") == sys.version.split()[0]
        and sys.platform in r.tags["platform"].lower()
    ),
    "CPU and GPU": lambda r: bool(r.tags.get("cpu") and r.tags.get("gpu")),
    "step": lambda r: (
        [run.data.tags.get("step") for run in r.runs] == ["main", "train", "evaluate", "package"]
    ),
    "verdict": lambda r: (
        r.tags.get("verdict") == "VALIDATED"
        and r.json("verdict.json")["verdict"] == "VALIDATED"
        and r.table("checks.json")["passed"].all()
    ),
    "training data set": lambda r: data_set("training", 275)(r) or data_set("train", 344)(r),
    "validation data set": data_set("validation", 69),
    "test data set": data_set("test", 69),
    "predictions": lambda r: (
        r.has("predictions.parquet")
        and pd.read_csv(ROOT / "data" / "penguins.csv")["species"][
            (answers := pd.read_parquet(r.path("predictions.parquet")))["row"] - 1
        ].tolist()
        == answers["truth"].tolist()
    ),
    "preprocessed data": lambda r: (
        r.has("preprocessed/sample.json")
        and list(r.table("preprocessed/sample.json")) == r.json("preprocessed/feature_names.json")
        and "one_hot__island = Dream" in r.table("preprocessed/sample.json")
    ),
    "contract": lambda r: (
        r.has("training/contract.json") and r.json("training/contract.json")["target"] == "species"
    ),
    "objects of the user's own": lambda r: (
        all(r.has(f"objects/{name}.json") for name in OBJECTS)
        and np.sum(r.json("objects/confusion_matrix.json")) == 69
    ),
    "registered version": lambda r: (
        bool(r.version)
        and (r.version.status, r.version.run_id) == ("READY", r.runs[-1].info.run_id)
    ),
    "lifecycle stage": lambda r: (
        bool(r.version) and r.version.tags["lifecycle_stage"] == "Production"
    ),
    "deployment status": lambda r: (
        bool(r.version) and r.version.tags["deployment_status"] == "none"
    ),
    "link from version to runs and data": lambda r: (
        bool(r.version)
        and [r.version.tags[f"{step}_run_id"] for step in ("train", "evaluate", "package")]
        == [run.info.run_id for run in r.runs[1:]]
        and r.version.tags["data_sha256"] == r.tags["data_sha256"]
    ),
    "names that tell runs apart": lambda r: all(
        run.info.run_name == f"{run.data.tags.get('step')} {PENGUINS} {run.info.run_id[:6]}"
        for run in r.runs
    ),
    "parent and children": lambda r: (
        [run.data.tags.get("mlflow.parentRunId") for run in r.runs]
        == [None] + [r.runs[0].info.run_id] * 3
    ),
}


@pytest.fixture(scope="module")
def kept():
    """The runs that the tests of this module read, each made once."""
    return {}


@pytest.fixture
def ours(step, kept, client):
    if "ours" not in kept:
        outcome = step("main", model_name=NAME, gates="accuracy>=0.5")
        assert outcome.status == 0
        kept["ours"] = Record(client, [run.info.run_id for run in reversed(outcome.runs())], NAME)
    return kept["ours"]


@pytest.fixture
def autolog(kept, tmp_path_factory):
    if "autolog" not in kept:
        folder = tmp_path_factory.mktemp("autolog")
        store = f"sqlite:///{folder}/autolog.db"
        data = str(ROOT / "data" / "penguins.csv")
        done = shell([sys.executable, "-c", AUTOLOG_ALONE, data, store], folder)
        assert done.returncode == 0, done.stderr
        kept["autolog"] = Record(MlflowClient(store), [done.stdout.split()[-1]])
    return kept["autolog"]


def test_every_row_of_the_table_has_its_claim_and_every_claim_its_row():
    assert set(TABLE) == set(CLAIMS) | {"intermediate model states"}


@pytest.mark.parametrize("item", CLAIMS)
def test_what_the_table_says_of_us_is_true(item, ours):
    assert bool(CLAIMS[item](ours)) == TABLE[item][1]


@pytest.mark.slow  # a statement on MLflow: it changes with its version only
@pytest.mark.parametrize("item", CLAIMS)
def test_what_the_table_says_of_autolog_is_true(item, autolog):
    assert bool(CLAIMS[item](autolog)) == TABLE[item][0]


def test_the_states_between_are_logged_models_with_their_step(step, client):
    params = {"classifier": "neural_network", "max_iter": 4, "checkpoint_every": 2}
    record = step("train", **params)
    models = client.search_logged_models([record.experiment_id])
    assert TABLE["intermediate model states"] == (False, True)
    assert {model.name for model in models} == {"checkpoint", "pipeline"}


def test_a_metric_and_an_object_of_the_users_own_are_logged(step, client, monkeypatch):
    monkeypatch.setitem(METRICS, "mistakes", lambda y, p, s: int((y != p).sum()))
    monkeypatch.setitem(OBJECTS, "note", lambda y, p, s: f"{len(y)} rows")
    monkeypatch.setitem(OBJECTS, "counts", lambda y, p, s: pd.DataFrame({"n": np.bincount(y)}))
    monkeypatch.setitem(OBJECTS, "anything", lambda y, p, s: {1, 2})
    step("train")
    (run,) = step("evaluate", gates="mistakes<=3").runs("evaluate")
    assert run.data.metrics["mistakes_low"] <= run.data.metrics["mistakes"] == 1
    record = Record(client, [run.info.run_id])
    assert record.path("objects/note.txt").read_text() == "69 rows"
    assert record.table("objects/counts.json")["n"].sum() == 69
    assert cloudpickle.loads(record.path("objects/anything.pkl").read_bytes()) == {1, 2}
