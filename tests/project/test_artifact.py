"""The packaged artifact where this repository is absent: only its own requirements, far away."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest

from custom_model import predictor as serving_code
from custom_model.predictor import decide
from steps.storage import Training, load_training
from tests.conftest import shell
from tests.serving import Server, serving

NAME = "pyfunc-classifier"


class Elsewhere(NamedTuple):
    """A folder with the artifact and an environment that holds only its requirements."""

    folder: Path
    python: Path
    training: Training

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python code there."""
        return shell([str(self.python), "-c", code], self.folder)


@pytest.fixture(scope="module")
def elsewhere(serving_python, store, tmp_path_factory) -> Elsewhere:
    mlflow.set_tracking_uri(store)
    folder = tmp_path_factory.mktemp("elsewhere")
    mlflow.artifacts.download_artifacts(f"models:/{NAME}/1", dst_path=str(folder / "artifact"))
    version = mlflow.MlflowClient().get_model_version(NAME, "1")
    training = load_training(version.tags["train_run_id"])
    mlflow.set_tracking_uri(None)
    training.signed().to_json(folder / "rows.json", orient="records", lines=True)
    return Elsewhere(folder, serving_python, training)


def expected_of(training: Training) -> tuple[list, np.ndarray]:
    """Answer the held-out rows with the fitted pipeline."""
    scores = training.pipeline.predict_proba(training.matrix)
    return [training.contract["classes"][i] for i in decide(scores)], scores


@pytest.mark.parametrize("module", ["steps", "custom_model", "sklearn", "skl2onnx", "matplotlib"])
def test_nothing_but_the_serving_packages_is_importable_there(elsewhere, module):
    assert f"No module named '{module}'" in elsewhere.run(f"import {module}").stderr


def test_it_answers_every_held_out_row_as_the_fitted_pipeline(elsewhere):
    done = elsewhere.run(
        "import json, mlflow, pandas as pd\n"
        "rows = pd.read_json('rows.json', orient='records', lines=True)\n"
        "rows = rows.astype({name: float for name in rows.select_dtypes('integer')})\n"
        "model = mlflow.pyfunc.load_model('artifact')\n"
        "answer = model.predict(rows, params={'output': 'all'})\n"
        "print(answer.to_json(orient='records', double_precision=15))\n"
    )
    assert done.returncode == 0, done.stderr
    answer = pd.DataFrame(json.loads(done.stdout))
    labels, scores = expected_of(elsewhere.training)
    assert answer["prediction"].tolist() == labels
    given = answer[[f"probability_{label}" for label in elsewhere.training.contract["classes"]]]
    assert np.abs(given.to_numpy() - scores).max() <= 1e-6


def test_loading_and_predicting_there_warns_of_nothing(elsewhere):
    done = elsewhere.run(
        "import mlflow; model = mlflow.pyfunc.load_model('artifact'); "
        "model.predict(model.input_example)"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def server(elsewhere) -> Iterator[Server]:
    """``mlflow models serve`` in the artifact's own environment."""
    with serving(elsewhere.python, elsewhere.folder / "artifact") as server:
        yield server


def predictions(answer: tuple[int, str]) -> list[dict]:
    status, body = answer
    assert status == 200, body
    return json.loads(body)["predictions"]


@pytest.mark.parametrize("orient", ["split", "records"])
def test_the_server_answers_json_as_the_fitted_pipeline(server, elsewhere, orient):
    rows = json.loads(elsewhere.training.features.to_json(orient=orient))
    answer = predictions(server.ask(json.dumps({f"dataframe_{orient}": rows})))
    labels, scores = expected_of(elsewhere.training)
    assert [row["prediction"] for row in answer] == labels
    given = np.array([row["probability"] for row in answer])
    assert np.abs(given - scores.max(axis=1)).max() <= 1e-6


def test_the_server_answers_csv_as_the_fitted_pipeline(server, elsewhere):
    body = elsewhere.training.features.to_csv(index=False)
    labels, _ = expected_of(elsewhere.training)
    assert [row["prediction"] for row in predictions(server.ask(body, "text/csv"))] == labels


def test_the_server_takes_params(server, elsewhere):
    rows = json.loads(elsewhere.training.features.head(3).to_json(orient="split"))
    answer = predictions(
        server.ask(json.dumps({"dataframe_split": rows, "params": {"output": "probabilities"}}))
    )
    _, scores = expected_of(elsewhere.training)
    names = [f"probability_{label}" for label in elsewhere.training.contract["classes"]]
    given = np.array([[row[name] for name in names] for row in answer])
    assert np.abs(given - scores[:3]).max() <= 1e-6


def test_the_server_refuses_a_bad_cell_with_400_and_says_where(server, elsewhere):
    row = json.loads(elsewhere.training.features.head(1).to_json(orient="records"))[0]
    status, body = server.ask(json.dumps({"dataframe_records": [row, row | {"island": 7}]}))
    assert status == 400
    assert "column 'island', row 1: expected text, got 7" in json.loads(body)["message"]


def test_two_artifacts_in_one_process_each_run_their_own_code(elsewhere, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(elsewhere.folder / "artifact", other)
    code = Path(serving_code.__file__).read_text()
    assert '"prediction"] =' in code
    changed = code.replace('"prediction"] =', '"forecast"] =')
    (other / "artifacts" / "predictor.py").write_text(changed)
    metadata = (other / "MLmodel").read_text()
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in (code, changed)]
    assert digests[0] in metadata
    (other / "MLmodel").write_text(metadata.replace(*digests))
    done = elsewhere.run(
        "import mlflow\n"
        f"models = [mlflow.pyfunc.load_model(uri) for uri in ('artifact', {str(other)!r})]\n"
        "print([list(m.predict(m.input_example)) for m in models + models[:1]])\n"
    )
    assert done.stdout.strip() == str(
        [["prediction", "probability"], ["forecast", "probability"], ["prediction", "probability"]]
    )
