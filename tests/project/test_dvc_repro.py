"""Real DVC: what it writes is understood, and ``dvc repro`` skips what did not change."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from steps.dvc import dvc_tags
from steps.parameters import parameters_of, split_arguments
from tests.conftest import ROOT, shell

DVC = "uv tool run --from dvc==3.67.1"  # not among our dependencies: it brings ninety of its own
COMMIT = "git add -A && git -c user.name=tests -c user.email=tests@localhost commit -qm all"
BLOCK = re.search(r"```bash\n(.*?)```", (ROOT / "docs" / "dvc.md").read_text(), re.DOTALL)[1]
STAGES = ["train", "evaluate", "package"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
MODEL = PARAMS["model"] | {"run_id": "ID"}
DRIVEN = {
    "train": PARAMS["train"] | {"data": "data/churn.csv"},
    "evaluate": PARAMS["evaluate"] | MODEL,
    "package": PARAMS["package"] | MODEL,
}


def dvc(folder: Path, *commands: str) -> str:
    """Run DVC commands in one process, for each start takes two seconds."""
    calls = [shlex.split(command) for command in commands]
    script = (
        "from dvc.cli import main\n"
        f"for call in {calls!r}:\n"
        "    status = main(call)\n"
        "    if status: raise SystemExit(status)\n"
    )
    done = shell(f"{DVC} python -c {shlex.quote(script)}", folder, DVC_NO_ANALYTICS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose data DVC tracks and keeps in a local remote, as docs/dvc.md has it."""
    folder = tmp_path_factory.mktemp("dvc")
    assert shell(f"git clone -q {clone} project", folder).returncode == 0
    project = folder / "project"
    (project / "data" / "churn.csv").write_bytes((project / "data" / "penguins.csv").read_bytes())
    commands = [line.removeprefix("dvc ") for line in BLOCK.splitlines() if line.startswith("dvc ")]
    before = commands[: commands.index("repro")]
    dvc(project, *(command.replace("s3://bucket/churn", f"{folder}/remote") for command in before))
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("penguins.csv", "churn.csv"))
    assert shell(COMMIT, project).returncode == 0
    return project


def test_what_dvc_tracks_is_logged_with_the_run_and_its_data_sets(step, project):
    outcome = step("train", data=project / "data" / "churn.csv")
    (run,) = outcome.runs("train")
    rev = shell("git rev-parse HEAD", project).stdout.strip()
    tags = {name: tag for name, tag in run.data.tags.items() if name.startswith("dvc_")}
    assert tags == {
        "dvc_md5": yaml.safe_load((project / "data/churn.csv.dvc").read_text())["outs"][0]["md5"],
        "dvc_path": "data/churn.csv",
        "dvc_remote": f"storage {project.parent / 'remote'}",
        "dvc_rev": rev,
    }
    for data_set in run.inputs.dataset_inputs:
        assert {tag.key: tag.value for tag in data_set.tags}.items() >= tags.items()


def test_changed_data_stops_train_before_the_fit_until_dvc_checks_it_out(step, project):
    data = project / "data" / "churn.csv"
    data.write_text(data.read_text().replace("Adelie", "Emperor", 3))
    outcome = step("train", data=data)
    (run,) = outcome.runs("train")
    assert outcome.status == 1
    assert "fit_seconds" not in run.data.metrics
    (line,) = outcome.err.splitlines()
    (command,) = re.findall(r"run (dvc checkout \S+) for the tracked version", line)
    dvc(project, f"{command.removeprefix('dvc ')} --force")
    assert step("train", data=data).status == 0


def test_missing_data_comes_back_by_the_command_that_the_refusal_says(step, project):
    data = project / "data" / "churn.csv"
    data.unlink()
    (command,) = re.findall(r"run (dvc pull \S+) to get it", step("train", data=data).err)
    dvc(project, command.removeprefix("dvc "))
    assert dvc_tags(data)["dvc_path"] == "data/churn.csv"


def test_each_stage_runs_an_entry_point_with_parameters_that_it_has(project):
    outputs = [project / f"{stage}.txt" for stage in STAGES]
    for output in outputs:  # without them DVC would not go on in its dry run
        output.touch()
    said = dvc(project, "repro --dry")
    for output in outputs:
        output.unlink()
    commands = re.findall(r"^> (.+) > (\w+)\.txt$", said, re.MULTILINE)
    assert [stage for _, stage in commands] == STAGES
    for command, stage in commands:
        uv_run, module, *argv = re.split(r" -m | (?=--)", re.sub(r"\$\(.+?\)", "ID", command))
        assert (uv_run, module) == ("uv run python", f"steps.{stage}")
        declared, further, _ = split_arguments(stage, shlex.split(" ".join(argv)))
        assert further == {}
        assert declared.items() >= DRIVEN[stage].items()


def test_the_shipped_params_are_the_defaults():
    for stage, values in PARAMS.items():
        points = ["evaluate", "package"] if stage == "model" else [stage]
        for point in points:
            defaults = {n: spec["default"] for n, spec in parameters_of(point).items()}
            assert values.items() <= defaults.items()


def runs_of(project: Path) -> list[str]:
    """List the steps that ran in the project's own store, the oldest first."""
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    found = client.search_runs(["0"], order_by=["attributes.start_time"])
    assert {run.info.status for run in found} == {"FINISHED"}
    return [run.data.tags["step"] for run in found]


@pytest.mark.slow
def test_repro_runs_what_changed_and_what_follows_from_it(project):
    params = project / "params.yaml"

    def after(old: str = "", new: str = "") -> list[str]:
        before = len(runs_of(project)) if (project / "mlflow.db").exists() else 0
        params.write_text(params.read_text().replace(old, new))
        dvc(project, "repro")
        return runs_of(project)[before:]

    params.write_text(params.read_text().replace("verify_env: uv", "verify_env: local"))
    assert after() == STAGES
    assert after() == []
    assert after("gates: roc_auc>0.5", "gates: roc_auc>0.6") == ["evaluate", "package"]
    assert after("verify_env: local", "verify_env: local\n  force: 'true'") == ["package"]
    assert after("species\n", "species\n  max_iter: 20\n") == STAGES
    # reverted: DVC remembers the outputs, and with them the runs
    assert after("species\n  max_iter: 20\n", "species\n") == []
    data = project / "data" / "churn.csv"
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:-1]))
    assert after() == STAGES
