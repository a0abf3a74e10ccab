"""What the README's table says to edit, edited: in a copy, through a run, into the artifact."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import shell

EDITS = {
    "custom_model/preprocessing.py": [
        ("def build_preprocessor(", "def _standard(", 1),
        (
            "def _columns_by_treatment(",
            '''class Clip(TransformerMixin, BaseEstimator):
    """A transformer of the user's own."""

    def fit(self, matrix, labels=None):
        self.limit_ = 1e6
        return self

    def transform(self, matrix):
        return np.clip(matrix, -self.limit_, self.limit_)


def build_preprocessor(contract, estimator=None):
    return make_pipeline(_standard(contract, estimator), Clip())


def _columns_by_treatment(''',
            1,
        ),
    ],
    "custom_model/classifiers.py": [
        ("]] = {", ']] = {\n    "my_forest": (RandomForestClassifier, {}),', 1)
    ],
    "steps/metrics.py": [
        (
            "= {\n",
            '= {\n    "gini": lambda labels, predicted, scores: '
            "2 * roc_auc(labels, predicted, scores) - 1,\n",
            1,
        )
    ],
}


@pytest.fixture(scope="module")
def edited(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edited") / "project"
    left_out = (".venv", ".git", "__pycache__", "ml*s", "ml*.db*")
    shutil.copytree(clone, folder, ignore=shutil.ignore_patterns(*left_out))
    for name, edits in EDITS.items():
        text = (folder / name).read_text()
        for old, new, count in edits:
            assert old in text
            text = text.replace(old, new, count)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def outcome(edited: Path, tracking: dict[str, str]):
    command = "python -m steps.main --classifier my_forest --n_estimators 9 --gates gini>0.5"
    return shell([*command.split(), "--model_name", "seats"], edited, **tracking)


def test_a_metric_of_the_users_own_is_shown_and_gates(outcome):
    assert outcome.returncode == 0, outcome.stderr
    assert "VALIDATED (gini>0.5)" in outcome.stdout


def test_a_classifier_of_the_users_own_takes_its_hyperparameters(outcome, store):
    version = MlflowClient(store).get_model_version_by_alias("seats", "champion")
    run = MlflowClient(store).get_run(version.tags["train_run_id"])
    assert (run.data.params["classifier"], run.data.params["n_estimators"]) == ("my_forest", "9")


def test_a_transformer_of_the_users_own_is_shipped_and_loads_without_the_repository(
    outcome, tmp_path, tracking
):
    assert "packaged as a pickle, not as a graph: no conversion to ONNX" in outcome.stderr
    done = shell(
        [
            "python", "-c",
            "import mlflow; model = mlflow.pyfunc.load_model('models:/seats@champion'); "
            "print(len(model.predict(model.input_example))); import custom_model",
        ],
        tmp_path,
        **tracking,
    )  # fmt: skip
    assert done.stdout.strip() == "5"
    assert "No module named 'custom_model'" in done.stderr
