"""Render conda.yaml, the environment of ``mlflow run``, from uv.lock."""

from collections.abc import Iterable
from pathlib import Path

from packaging.markers import Marker

from steps.lock import RUNTIME, Pin
from tools.locked import pins

PYTHON = "3.11"
PATCHES = range(30)
MACHINES = ("x86_64", "AMD64", "arm64", "aarch64")
PLATFORMS = {
    "linux": {"platform_system": "Linux", "os_name": "posix"},
    "darwin": {"platform_system": "Darwin", "os_name": "posix"},
    "win32": {"platform_system": "Windows", "os_name": "nt"},
}
HEADER = f"""\
# Rendered from uv.lock, not to be edited: declare in pyproject.toml (or `uv add`), then run
# `uv run python -m tools render`.
name: pyfunc-classifier
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python={PYTHON}
"""


def render(locked: Iterable[Pin]) -> str:
    """Write the conda environment that a lock gives.

    Parameters
    ----------
    locked : iterable of Pin
        The pins of every Python and platform.

    Returns
    -------
    str
        YAML: Python and pip from conda, the rest from pip.
    """
    kept = for_python(locked)
    conda = [f"  - pip={pin.version}" for pin in kept if pin.name == "pip"]
    pip = [f"      - {pin.line}" for pin in kept if pin.name != "pip"]
    return HEADER + "\n".join([*conda, "  - pip:", *pip, ""])


def for_python(locked: Iterable[Pin]) -> list[Pin]:
    """Keep what ``PYTHON`` takes on some platform.

    Parameters
    ----------
    locked : iterable of Pin
        The pins of every Python and platform.

    Returns
    -------
    list of Pin
        The marker is gone, or names one platform, unless it asks for more than that.
    """
    kept = []
    for pin in locked:
        answers = {system: _answers(pin.marker, system) for system in PLATFORMS}
        taking = [system for system in PLATFORMS if True in answers[system]]
        if all(len(answer) == 1 for answer in answers.values()):
            pin = pin._replace(marker=_naming(taking))
        if taking:
            kept.append(pin)
    return kept


def _answers(marker: Marker | None, system: str) -> set[bool]:
    """Evaluate a marker for every interpreter that conda may make of ``PYTHON``."""
    return {
        marker is None
        or marker.evaluate(
            {
                "sys_platform": system,
                **PLATFORMS[system],
                "platform_machine": machine,
                "platform_python_implementation": "CPython",
                "implementation_name": "cpython",
                "python_version": PYTHON,
                "python_full_version": f"{PYTHON}.{patch}",
            }
        )
        for machine in MACHINES
        for patch in PATCHES
    }


def _naming(systems: list[str]) -> Marker | None:
    """Say on which platforms, without an ``or``: conda-lock 4 reads none."""
    others = PLATFORMS.keys() - systems
    if not systems or not others:
        return None
    sign, (system,) = ("==", systems) if len(systems) == 1 else ("!=", others)
    return Marker(f'sys_platform {sign} "{system}"')


def main() -> None:
    """Write conda.yaml from uv.lock."""
    Path("conda.yaml").write_text(render(pins(Path(), *RUNTIME)), encoding="utf-8")
