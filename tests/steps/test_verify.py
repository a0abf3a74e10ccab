import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from steps.signing import sign
from tests.conftest import ROOT, Outcome, shell

NAME = "verify-test"
DOCS = (ROOT / "docs" / "promotion.md").read_text()


def cut_off() -> list[str]:
    """Return the command before a command that takes the network away, where there is one."""
    command = ["unshare", "--map-root-user", "--net"]
    try:
        available = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    except OSError:
        available = False
    return command if available else []


def verify_elsewhere(folder: Path, **params: object) -> subprocess.CompletedProcess[str]:
    """Run the step in a folder of its own, which is also its home, without network."""
    folder.mkdir(exist_ok=True)
    argv = [f"--{name}={value}" for name, value in params.items()]
    dead = "http://127.0.0.1:9"
    return shell(
        [*cut_off(), "python", "-m", "steps.verify", *argv], folder,
        HOME=str(folder), PYTHONPATH=str(ROOT), HTTP_PROXY=dead, HTTPS_PROXY=dead,
    )  # fmt: skip


def test_a_folder_is_verified_without_network_and_nothing_is_left_behind(signed, tmp_path):
    done = verify_elsewhere(
        tmp_path / "elsewhere",
        model_uri=signed.folder,
        signature=signed.signature,
        public_key=signed.public_key,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"  (files|signed by|verdict) +(\w+)\n", done.stdout) == [
        ("files", "7"),
        ("signed by", signed.verify()),
        ("verdict", "VERIFIED"),
    ]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_paths_may_be_relative(signed, tmp_path):
    shutil.copy(signed.public_key, tmp_path / "key.pub")
    done = verify_elsewhere(
        tmp_path, model_uri="artifact", signature="model.sig", public_key="key.pub"
    )
    assert done.returncode == 0, done.stderr


def test_an_altered_artifact_is_refused_in_one_line_and_none_of_its_code_runs(signed, tmp_path):
    signed.write("model.py", "open('loaded', 'w')")
    signed.write("sitecustomize.py", "open('loaded', 'w')")
    done = verify_elsewhere(
        tmp_path / "elsewhere",
        model_uri=signed.folder,
        signature=signed.signature,
        public_key=signed.public_key,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {signed.folder} is not what was signed: edited 'model.py'; added "
        "'sitecustomize.py'; fetch the artifact again, or the signature that belongs to it\n"
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"public_key": ""}, "public_key: expected the PEM file of the signer's public key"),
        ({"public_key": "/nowhere"}, "public_key: expected a readable PEM file at /nowhere"),
        ({"signature": ""}, "only a registered version records its own"),
        ({"signature": "/nowhere"}, "signature: expected a file at /nowhere"),
        ({"signature": "https://127.0.0.1:9/x"}, "signature: cannot download https://"),
        ({"model_uri": ""}, "model_uri: expected the folder or URI of an artifact, got none"),
        ({"model_uri": "/nowhere"}, "expected the folder of an artifact, got nothing at /nowhere"),
        ({"model_uri": "models:/nothing/1"}, "model_uri: cannot download models:/nothing/1"),
        ({"model_uri": "models:/nothing/1", "signature": ""}, "Model Version (name=nothing"),
        ({"what": "else"}, "no parameter 'what'"),
    ],
)
def test_what_is_missing_is_said_in_one_line(step, signed, monkeypatch, params, reason):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    given = {
        "model_uri": signed.folder,
        "signature": signed.signature,
        "public_key": signed.public_key,
    }
    outcome = step("verify", **given | params)
    assert outcome.status == 1
    (line,) = outcome.err.splitlines()
    assert reason in line


@pytest.fixture
def packaged(step, client: MlflowClient, keys, tmp_path) -> Outcome:
    """A version that records its signature, as one that was packaged with a key."""
    outcome = step("main", model_name=NAME)
    version = client.get_model_version_by_alias(NAME, "champion")
    (run,) = outcome.runs("package")
    folder = mlflow.artifacts.download_artifacts(version.source, dst_path=str(tmp_path / "model"))
    fingerprint = sign(Path(folder), keys[0], tmp_path / "model.sig")
    client.log_artifact(run.info.run_id, str(tmp_path / "model.sig"), "signature")
    uri = f"runs:/{run.info.run_id}/signature/model.sig"
    client.set_model_version_tag(NAME, version.version, "signature_uri", uri)
    client.set_model_version_tag(NAME, version.version, "signed_by", fingerprint)
    return outcome


def test_a_packaged_version_is_verified_by_what_it_records_until_a_file_changes(
    packaged, step, client, keys
):
    version = client.get_model_version_by_alias(NAME, "champion")
    before = packaged.runs()
    verified = step("verify", model_uri=f"models:/{NAME}@champion", public_key=keys[1])
    assert (verified.status, verified.err) == (0, "")
    assert f"artifact   models:/{NAME}/{version.version}\n" in verified.out
    assert version.tags["signed_by"] in verified.out
    assert len(packaged.runs()) == len(before)
    stored = client.get_logged_model(version.source.removeprefix("models:/")).artifact_location
    with Path(stored, "model.py").open("a") as file:
        file.write("\n")
    refused = step("verify", model_uri=f"models:/{NAME}@champion", public_key=keys[1])
    assert refused.status == 1
    assert "is not what was signed: edited 'model.py';" in refused.err


def test_a_loaded_version_is_verified_by_a_runs_uri_and_by_its_id(
    packaged, step, client, keys, monkeypatch
):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # bytecode would be refused as added
    version = client.get_model_version_by_alias(NAME, "champion")
    (run,) = packaged.runs("package")
    mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    for uri in (f"runs:/{run.info.run_id}/model", version.source):
        outcome = step(
            "verify", model_uri=uri, public_key=keys[1], signature=version.tags["signature_uri"]
        )
        assert (outcome.status, outcome.err) == (0, "")


def test_a_version_that_records_no_signature_is_refused(step, happy, keys):
    outcome = step("verify", model_uri="models:/pyfunc-classifier/1", public_key=keys[1])
    assert outcome.status == 1
    assert "expected models:/pyfunc-classifier/1 to record one (tag signature_uri)" in outcome.err


def test_the_commands_of_the_documentation_work_in_their_order(store, clone, tmp_path):
    assert shell(f"git clone -q {clone} clone", tmp_path).returncode == 0
    blocks = re.findall(r"^```bash\n(.*?)^```", DOCS.partition("## Signing")[2], re.S | re.M)
    # the environment of this interpreter holds the extra already
    script = "set -e\n" + re.sub("uv run (--extra signing )?", "", "".join(blocks))
    own = script.replace("pyfunc-classifier/1", "signed/1")  # who else loads that, adds bytecode
    done = shell(own, tmp_path / "clone", MLFLOW_TRACKING_URI=store)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("VERIFIED") == 2


def test_the_project_runs_it(signed, clone, happy, tracking):
    params = [
        f"-Pmodel_uri={signed.folder}",
        f"-Psignature={signed.signature}",
        f"-Ppublic_key={signed.public_key}",
    ]
    done = shell(
        ["mlflow", "run", ".", "-e", "verify", "--env-manager", "local", *params], clone, **tracking
    )
    assert done.returncode == 0, done.stderr
    assert "VERIFIED" in done.stdout
