"""The proof finds out what is wrong with an artifact, and leaves nothing behind."""

import re
import shutil
from pathlib import Path

import mlflow
import psutil
import pytest

from steps.errors import StepError
from steps.lock import parse_file
from steps.proof import prove
from steps.storage import load_training
from tests.environments import of_the_lock

NAME = "proof-test"


@pytest.fixture
def artifact(step, client, tmp_path) -> Path:
    """A copy of a good artifact, to be spoilt."""
    if not client.search_registered_models(f"name = '{NAME}'"):
        assert step("main", model_name=NAME, max_iter=5).status == 0
    uri = f"models:/{NAME}/1"
    return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "spoilt")))


@pytest.fixture
def training(client, artifact):
    version = client.get_model_version(NAME, "1")
    return load_training(version.tags["train_run_id"])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def bend(artifact: Path, statement: str) -> None:
    """Let the artifact's code change the probabilities that its pipeline gives."""
    loaded = 'self.predictor = self._code.load(files["contract"], files["pipeline"])\n'
    edit(
        artifact / "model.py",
        loaded,
        f"{loaded}            honest = self.predictor._probabilities\n"
        "            def bent(matrix):\n"
        "                scores = honest(matrix)\n"
        f"                {statement}\n"
        "                return scores\n"
        "            self.predictor._probabilities = bent\n",
    )


def test_a_good_artifact_is_proven_on_every_held_out_row_and_by_the_server(artifact, training):
    proof = prove(str(artifact), training, "uv")
    assert (proof["rows"], proof["server_rows"]) == (69, 69)
    assert proof["max_difference"] <= 1e-6
    pins = parse_file((artifact / "requirements.txt").read_text())
    assert {f"{pin.name}=={pin.version}" for pin in pins if pin.here} <= set(proof["packages"])
    assert not any(line.startswith(("scikit-learn==", "mlflow==")) for line in proof["packages"])


def test_a_second_proof_reuses_the_environment(artifact, training):
    first = prove(str(artifact), training, "uv")
    second = prove(str(artifact), training, "uv")
    assert second["environment_sha256"] == first["environment_sha256"]
    assert second["seconds"]["environment"] < 2


def test_an_artifact_that_needs_this_repository_is_found_out(artifact, training):
    edit(artifact / "model.py", "import hashlib\n", "import hashlib\nimport custom_model\n")
    with pytest.raises(StepError, match=r"does not load .*: .*No module named 'custom_model'"):
        prove(str(artifact), training, "local")


def test_an_artifact_that_lacks_a_package_is_found_out(artifact, training):
    edit(artifact / "model.py", "import hashlib\n", "import hashlib\nimport sklearn\n")
    with pytest.raises(StepError, match=r"does not load .*: .*No module named 'sklearn'"):
        prove(str(artifact), training, "uv")


def test_answers_that_differ_are_told_by_their_rows(artifact, training):
    bend(artifact, "scores[3, 0] += 0.01")
    with pytest.raises(
        StepError, match=r"1 of 69 held-out rows unlike .*\(rows 3; by up to 1.0e-02"
    ):
        prove(str(artifact), training, "local")


def test_a_server_that_answers_otherwise_than_the_loaded_model_is_found_out(artifact, training):
    bend(artifact, "import sys; scores = scores[:: -1 if 'uvicorn' in sys.modules else 1]")
    with pytest.raises(StepError, match=r"answers \d+ of 69 rows served unlike the fitted"):
        prove(str(artifact), training, "local")


def test_a_server_that_dies_is_told_with_its_last_word(artifact, training):
    edit(
        artifact / "model.py",
        "import hashlib\n",
        'import hashlib\nimport sys\nif "uvicorn" in sys.modules: raise RuntimeError("no")\n',
    )
    with pytest.raises(StepError, match="the scoring server does not answer in the artifact's own"):
        prove(str(artifact), training, "local")


@pytest.mark.parametrize(
    ("pattern", "spoilt", "told"),
    [
        pytest.param(
            r"onnxruntime==", r"onnxruntime==999.", r".*onnxruntime", id="no such version"
        ),
        pytest.param(
            r"(\nsix==\S+)( \\\n +--hash=\S+)+",
            rf"\1 --hash=sha256:{'0' * 64}",
            r".*Hash mismatch for `six==",
            marks=of_the_lock,
            id="tampered hash",
        ),
    ],
)
def test_an_environment_that_cannot_be_made_is_told_in_the_words_of_its_manager(
    artifact, training, tmp_path, monkeypatch, pattern, spoilt, told
):
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "environments"))
    text = (artifact / "requirements.txt").read_text()
    (artifact / "requirements.txt").write_text(re.sub(pattern, spoilt, text))
    with pytest.raises(StepError, match=f"uv cannot make the artifact's environment: {told}"):
        prove(str(artifact), training, "uv")


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["onnxruntime-*.dist-info", "bin/activate"])
def test_an_environment_that_was_left_half_made_is_made_anew(
    artifact, training, tmp_path, monkeypatch, lost
):
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "environments"))
    prove(str(artifact), training, "uv")
    (part,) = (tmp_path / "environments").rglob(lost)
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    assert prove(str(artifact), training, "uv")["rows"] == 69


def test_a_proof_leaves_no_process_and_no_file_behind(artifact, training, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    prove(str(artifact), training, "local")
    edit(artifact / "model.py", "import hashlib\n", "import hashlib\nimport custom_model\n")
    with pytest.raises(StepError):
        prove(str(artifact), training, "local")
    left = [  # whoever its parent is by now
        process
        for process in psutil.process_iter(["cwd"])
        if (process.info["cwd"] or "").startswith(str(scratch))
    ]
    _, alive = psutil.wait_procs(left, timeout=1)  # who was killed takes a moment to go
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert list(scratch.iterdir()) == []


def test_a_package_run_whose_proof_fails_registers_nothing_and_keeps_no_model(
    step, client, monkeypatch
):
    step("train")
    step("evaluate", model_name="unproven")
    monkeypatch.setattr("steps.proof.TOLERANCE", -1.0)
    outcome = step("package", model_name="unproven")
    assert "answers 69 of 69 held-out rows unlike the fitted pipeline" in outcome.err
    assert client.search_registered_models("name = 'unproven'") == []
    assert [model.name for model in client.search_logged_models([outcome.experiment_id])] == [
        "pipeline"
    ]
    assert outcome.runs("package")[0].info.status == "FAILED"


def test_the_proof_is_logged_and_named_on_the_version(step, client, artifact):
    version = client.get_model_version(NAME, "1")
    run = client.get_run(version.tags["package_run_id"])
    proof = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/proof.json")
    assert version.tags["proof"] == f"PASSED uv {proof['environment_sha256'][:12]}"
    proven = "Proven: answered 69 held-out rows in an environment of its own (uv), and as a server"
    assert f"- {proven}\n" in version.description


@pytest.mark.parametrize(
    ("verify_env", "message"),
    [
        ("docker", "verify_env: expected one of uv, virtualenv, conda, local, got 'docker'"),
        ("conda", "verify_env: conda needs conda on the PATH (see conda-forge.org/download); or"),
        ("virtualenv", "verify_env: virtualenv needs pyenv on the PATH"),
    ],
)
def test_a_manager_that_is_not_there_is_refused_before_any_work(
    step, monkeypatch, verify_env, message
):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = step("main", data="/nowhere.csv", verify_env=verify_env)
    assert outcome.err.startswith(f"error: {message}")
