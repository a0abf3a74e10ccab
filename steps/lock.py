"""uv.lock as requirement lines: versions, platforms and the SHA-256 of every file."""

import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ("--quiet", "--no-header", "--no-annotate", "--no-emit-project")
RUNTIME = ("--no-dev",)
SHIPPED = ("--no-dev", "--all-extras")
EVERYTHING = ("--all-groups", "--all-extras")
GROUPS_LEFT_OUT = {"UV_NO_DEV", "UV_NO_GROUP", "UV_NO_DEFAULT_GROUPS"}  # whatever is asked for


class Pin(NamedTuple):
    """One version of a package, for the platforms and Python versions of its marker."""

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]  # SHA-256 of each of its files

    @property
    def here(self) -> bool:
        """Whether it is for this platform and Python."""
        return self.marker is None or self.marker.evaluate()

    @property
    def line(self) -> str:
        """Its line of a requirements file."""
        marker = f"; {self.marker}" if self.marker else ""
        return f"{self.name}=={self.version}{marker}" + "".join(
            f" --hash=sha256:{digest}" for digest in self.hashes
        )


def parse(line: str) -> Pin:
    """Read a line of a requirements file that pins a version."""
    requirement = Requirement(line.split(" --hash")[0])
    (specifier,) = requirement.specifier
    hashes = re.findall(r"--hash=sha256:(\w+)", line)
    return Pin(
        canonicalize_name(requirement.name), specifier.version, requirement.marker, tuple(hashes)
    )


def parse_file(text: str) -> list[Pin]:
    """Read a requirements file of pins; other lines are skipped."""
    lines = text.replace("\\\n", "").splitlines()
    return [parse(line) for line in lines if re.match(r"[\w.-]+==", line)]


def export(folder: Path, *options: str) -> str:
    """Let uv read a project's lock.

    Parameters
    ----------
    folder : Path
        Holds ``pyproject.toml`` and ``uv.lock``.
    *options : str
        Of ``uv export``: which packages, and how strictly.

    Returns
    -------
    str
        A requirements file, for every platform and Python: a package has several lines where its
        version depends on them.

    Raises
    ------
    subprocess.CalledProcessError
    """
    import uv

    command = [uv.find_uv_bin(), "export", *PLAIN, *options]
    env = {name: value for name, value in os.environ.items() if name not in GROUPS_LEFT_OUT}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=env)
    return done.stdout


@cache
def locked_pins() -> tuple[Pin, ...]:
    """Read this project's lock, with every group and extra; nothing where there is none."""
    try:
        return tuple(parse_file(export(ROOT, "--frozen", "--offline", *EVERYTHING)))
    except (OSError, subprocess.CalledProcessError):
        return ()


@cache
def locked_requirements() -> Mapping[str, Mapping[str, tuple[Requirement, ...]]]:
    """Read who requires what in this project's lock; nothing where there is none.

    Returns
    -------
    mapping of str to mapping of str to tuple of Requirement
        By package, then by extra (``""`` for none): what any of its locked versions requires, on
        whatever platform and Python. No installed package tells that of its other versions.
    """
    try:
        packages = msgspec.toml.decode((ROOT / "uv.lock").read_bytes())["package"]
    except OSError:
        return {}
    found: dict[str, dict[str, tuple[Requirement, ...]]] = {}
    for package in packages:
        extras = {"": package.get("dependencies", ())} | package.get("optional-dependencies", {})
        known = found.setdefault(package["name"], {})
        for extra, others in extras.items():
            known[extra] = known.get(extra, ()) + tuple(map(_requirement, others))
    return found


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    return Requirement(f"{entry['name']}[{','.join(entry.get('extra', ()))}]")
