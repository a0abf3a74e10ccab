"""MLproject, the steps' command lines and docs/parameters.md agree on every parameter."""

import re
import shlex

import pytest
import yaml
from mlflow.projects._project_spec import load_project

from steps.parameters import split_arguments
from tests.conftest import ENTRY_POINTS, ROOT

PROJECT = yaml.safe_load((ROOT / "MLproject").read_text())
TABLE = (ROOT / "docs" / "parameters.md").read_text()


def documented_parameters() -> dict[str, tuple[set[str], str]]:
    """Read the documented table: name -> entry points and default."""
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.+?) \|", TABLE, re.MULTILINE)
    empty = {"none": "", "the newest": ""}
    return {
        name: (set(points.split(", ")), empty.get(default, default.strip("`")))
        for name, points, default in rows
    }


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_mlflow_composes_the_command_that_the_step_reads_back(entry_point):
    values = {
        name: 'it\'s = a "b" $c' for name in PROJECT["entry_points"][entry_point]["parameters"]
    }
    command = load_project(str(ROOT)).get_entry_point(entry_point).compute_command(values, None)
    python, dash_m, module, *argv = shlex.split(command)
    assert (python, dash_m, module) == ("python", "-m", f"steps.{entry_point}")
    assert split_arguments(entry_point, argv)[0] == values


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_every_parameter_has_a_type_and_a_default(entry_point):
    for spec in PROJECT["entry_points"][entry_point]["parameters"].values():
        assert spec["type"] in ("string", "int", "float", "bool")
        assert "default" in spec


def test_a_parameter_has_the_same_default_in_every_entry_point():
    seen: dict[str, dict] = {}
    for entry_point in PROJECT["entry_points"].values():
        for name, spec in entry_point["parameters"].items():
            assert seen.setdefault(name, spec) == spec


def test_the_documented_table_names_every_parameter_its_entry_points_and_its_default():
    expected: dict[str, tuple[set[str], str]] = {}
    for entry_point, spec in PROJECT["entry_points"].items():
        for name, parameter in spec["parameters"].items():
            points, _ = expected.setdefault(name, (set(), str(parameter["default"])))
            points.add(entry_point)
    assert documented_parameters() == expected


def test_main_takes_the_parameters_of_the_three_steps():
    points = PROJECT["entry_points"]
    steps = [set(points[step]["parameters"]) for step in ("train", "evaluate", "package")]
    assert set(points["main"]["parameters"]) == set.union(*steps) - {"run_id"} | {"fresh"}


def test_only_named_entry_points_exist():
    assert set(PROJECT["entry_points"]) == {*ENTRY_POINTS, "serve"}
