"""uv.lock as requirement lines: versions, platforms and the SHA-256 of every file."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PLAIN = ("--quiet", "--no-header", "--no-annotate", "--no-emit-project")
RUNTIME = ("--no-dev",)
EVERYTHING = ("--all-groups", "--all-extras")


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


def export(folder: Path, *options: str) -> tuple[Pin, ...]:
    """Let uv read a project's lock.

    Parameters
    ----------
    folder : Path
        Holds ``pyproject.toml`` and ``uv.lock``.
    *options : str
        Of ``uv export``: which packages, and how strictly.

    Returns
    -------
    tuple of Pin
        For every platform and Python: a package has several where its version depends on them.

    Raises
    ------
    subprocess.CalledProcessError
    """
    import uv

    command = [uv.find_uv_bin(), "export", *PLAIN, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return tuple(parse_file(done.stdout))


@cache
def locked_pins() -> tuple[Pin, ...]:
    """Read this project's lock, with every group and extra; nothing where there is none."""
    try:
        return export(ROOT, "--frozen", "--offline", *EVERYTHING)
    except (OSError, subprocess.CalledProcessError):
        return ()
