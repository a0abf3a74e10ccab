"""The files of ``.github``, as far as it goes without GitHub: their schemas, and what they run."""

import re

import pytest
import yaml

from tests.conftest import ROOT, shell
from tools.__main__ import COMMANDS

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
CHECK = "uv tool run check-jsonschema==0.39.0 --builtin-schema"


@pytest.mark.parametrize(
    "check",
    ["vendor.github-workflows .github/workflows/*.yml", "vendor.dependabot .github/dependabot.yml"],
)
def test_the_files_of_github_are_such_by_their_published_schemas(check):
    done = shell(f"{CHECK} {check}", ROOT)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def jobs(path) -> list[dict]:
    return list(yaml.safe_load(path.read_text())["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_pins_actions_by_their_major_version(path):
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    used = [step["uses"] for job in jobs(path) for step in job["steps"] if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_every_command_of_ours_in_a_workflow_exists():
    runs = [
        step.get("run", "") for path in WORKFLOWS for job in jobs(path) for step in job["steps"]
    ]
    commands = re.findall(r"python -m tools (\S+)", "\n".join(runs))
    assert sorted(commands) == ["audit", "conda-lock"]
    assert COMMANDS.keys() >= set(commands)


def test_the_paths_in_a_workflow_exist():
    text = "\n".join(path.read_text() for path in WORKFLOWS)
    named = re.findall(r"\S+/\S+\.py", text) + re.findall(r"paths: \[(.+)\]", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
