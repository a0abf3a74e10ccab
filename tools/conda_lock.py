"""Lock conda.yaml for every platform, where a conda solver is; tell a stale lock."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from steps.errors import StepError, listed

PLATFORMS = ("linux-64", "osx-arm64", "osx-64", "win-64")
SOLVERS = ("micromamba", "mamba", "conda")
LOCK = "conda-lock.yml"


def stale(conda_yaml: Path, lock: Path) -> list[str]:
    """Tell for which platforms a lock was not solved from this conda.yaml.

    Parameters
    ----------
    conda_yaml : Path
        What the lock should be of.
    lock : Path
        A ``conda-lock.yml``.

    Returns
    -------
    list of str
        The platforms without a content hash, or with another; by conda-lock's own reckoning.
    """
    from conda_lock.content_hash import backwards_compatible_content_hashes
    from conda_lock.lockfile import parse_conda_lock_file
    from conda_lock.virtual_package import default_virtual_package_repodata

    solved = parse_conda_lock_file(lock).metadata.content_hash
    spec, virtual = specification(conda_yaml), default_virtual_package_repodata()
    return [
        platform
        for platform in PLATFORMS
        if solved.get(platform) not in backwards_compatible_content_hashes(spec, virtual, platform)
    ]


def specification(conda_yaml: Path):  # type: ignore[no-untyped-def] # conda-lock is for developers
    """Read a conda.yaml as conda-lock does.

    Parameters
    ----------
    conda_yaml : Path
        Python and pip from conda, all else from pip.

    Returns
    -------
    conda_lock.models.lock_spec.LockSpecification
        What is asked of each of ``PLATFORMS``.
    """
    from conda_lock.src_parser import make_lock_spec

    with TemporaryDirectory() as folder:
        names = Path(folder) / "names.yaml"
        names.write_text("{}")  # else it downloads the names that differ between PyPI and conda
        return make_lock_spec(
            src_files=[conda_yaml], platform_overrides=PLATFORMS, mapping_url=str(names)
        )


def main() -> None:
    """Solve conda.yaml into conda-lock.yml.

    Raises
    ------
    StepError
        No solver is here, or it found no solution.
    """
    solver = next(filter(None, map(shutil.which, SOLVERS)), None)
    if solver is None:
        raise StepError(
            f"expected one of {listed(SOLVERS)} on the PATH to solve conda.yaml, found none: "
            "install one, or run the GitHub workflow conda-lock and commit what it uploads"
        )
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    command = [sys.executable, "-m", "conda_lock", "lock", "--file=conda.yaml", f"--conda={solver}"]
    done = subprocess.run([*command, f"--lockfile={LOCK}", *platforms])
    if done.returncode:
        raise StepError(
            f"{Path(solver).name} did not solve conda.yaml, see above: {LOCK} is as it was"
        )
