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
EXPORT = "export --frozen --offline --no-header --no-annotate --no-emit-project"


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
        marker = f" ; {self.marker}" if self.marker else ""
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


@cache
def locked_pins() -> tuple[Pin, ...]:
    """Read uv.lock, with every group and extra.

    Returns
    -------
    tuple of Pin
        A package has several where its version depends on the platform or the Python; none at all
        where there is no lock, or no uv to read it.
    """
    import uv

    try:
        command = [uv.find_uv_bin(), *EXPORT.split(), "--all-groups", "--all-extras"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(parse_file(done.stdout))
