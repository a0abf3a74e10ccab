import pytest
import yaml

from steps.lock import parse
from tests.conftest import ROOT, shell
from tools.conda_yaml import for_python, render


def kept(*lines: str) -> list[str]:
    return [pin.line for pin in for_python(map(parse, lines))]


def test_of_the_forks_of_a_lock_the_one_of_the_python_is_taken():
    assert kept(
        "numpy==2.2.6; python_full_version < '3.11'",
        "numpy==2.3.5; python_full_version == '3.11.*'",
        "numpy==2.4.0; python_full_version >= '3.12'",
    ) == ["numpy==2.3.5"]


@pytest.mark.parametrize(
    ("marker", "left"),
    [
        ("python_full_version >= '3.11' and sys_platform == 'win32'", 'sys_platform == "win32"'),
        ("sys_platform == 'emscripten' or sys_platform == 'win32'", 'sys_platform == "win32"'),
        ("sys_platform == 'linux' or sys_platform == 'darwin'", 'sys_platform != "win32"'),
        ("platform_system == 'Darwin'", 'sys_platform == "darwin"'),
        ("os_name == 'nt' and implementation_name == 'cpython'", 'sys_platform == "win32"'),
    ],
)
def test_of_a_marker_the_platform_stays(marker, left):
    assert kept(f"a==1; {marker}") == [f"a==1; {left}"]


@pytest.mark.parametrize(
    "marker",
    [
        'platform_machine == "arm64"',
        'platform_machine == "x86_64" and sys_platform == "linux"',
        'python_full_version < "3.11.4"',  # conda takes any patch version
        'python_full_version == "3.11.9"',
    ],
)
def test_what_conda_may_make_differently_stays_marked(marker):
    assert kept(f"a==1; {marker}") == [f"a==1; {marker}"]


@pytest.mark.parametrize(
    "marker",
    [
        "python_full_version >= '3.12' and sys_platform != 'win32'",
        "platform_python_implementation == 'PyPy'",
        "implementation_name == 'pypy'",
        "sys_platform == 'emscripten'",
        "python_version < '3.11'",
    ],
)
def test_what_holds_for_no_python_of_conda_is_left_out(marker):
    assert kept(f"a==1; {marker}") == []


def test_what_holds_for_every_one_loses_its_marker():
    assert kept("a==1; platform_python_implementation != 'PyPy' and python_version > '3.9'") == [
        "a==1"
    ]


def test_only_python_and_pip_come_from_conda():
    pins = map(parse, ("a==1", "pip==26.3", "wheel==0.48"))
    assert yaml.safe_load(render(pins))["dependencies"] == [
        "python=3.11", "pip=26.3", {"pip": ["a==1", "wheel==0.48"]},
    ]  # fmt: skip


@pytest.fixture
def project(tmp_path):
    """A project with a lock, both of nothing."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "made-up"\nversion = "0"\nrequires-python = ">=3.10"\n'
    )
    assert shell("uv lock --offline", tmp_path).returncode == 0
    return tmp_path


def test_a_package_is_added_by_one_edit_and_one_command(project):
    both = "uv add --quiet --no-sync tomlkit==0.13.3 && python -m tools render"
    done = shell(both, project, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert (project / "conda.yaml").read_text() == render([parse("tomlkit==0.13.3")])


def test_a_stale_lock_is_refused_with_the_command_that_mends_it(project):
    with open(project / "pyproject.toml", "a") as declared:
        declared.write('dependencies = ["tomlkit"]\n')
    done = shell("python -m tools render", project, UV_OFFLINE="1", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert done.stderr.startswith(
        "uv.lock must pin what pyproject.toml declares, and does not: run "
        "`uv run python -m tools render` (uv says: "
    )
    assert not (project / "conda.yaml").exists()
