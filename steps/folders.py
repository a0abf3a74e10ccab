"""What files an artifact's folder holds."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mlflow.utils.yaml_utils import YamlSafeDumper

from steps.errors import StepError

# MLflow writes this file into what it downloads from a models:/ URI: after the signing, and with
# the number of a version that did not exist then. It is the one file that a signature does not
# cover. So it may hold only what MLflow writes, byte for byte: a name and a version, which nothing
# executes.
MLFLOWS_OWN = "registered_model_meta"
MOST_BYTES = 10_000


def files_of(folder: Path) -> list[str]:
    """List the files that a signature of an artifact covers: all but MLflow's own note.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        Relative POSIX paths.

    Raises
    ------
    StepError
        When there is anything but files in folders: model-signing would skip an empty folder, or
        one that it may not list, and a symlink leads out of what is signed.
    """
    if folder.is_symlink() or not folder.is_dir():
        what = "a symlink" if folder.is_symlink() else "a file" if folder.is_file() else "nothing"
        raise StepError(f"expected the folder of an artifact, got {what} at {folder}")
    try:
        names = [path.relative_to(folder).as_posix() for path in _walk(folder)]
    except OSError as error:
        raise StepError(f"cannot list {error.filename!r}: {error.strerror}") from error
    if (folder / MLFLOWS_OWN).exists():
        _check_mlflows_own(folder / MLFLOWS_OWN)
        names.remove(MLFLOWS_OWN)
    return names


def _walk(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.iterdir())
    if not paths:
        raise StepError(f"expected files, got the empty folder {str(folder)!r}; remove it")
    for path in paths:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            what = "a symlink" if stat.S_ISLNK(mode) else "a special file"
            raise StepError(f"expected files and folders, got {what}: {str(path)!r}; remove it")


def _check_mlflows_own(path: Path) -> None:
    text = path.read_bytes() if path.is_file() and path.stat().st_size < MOST_BYTES else b""
    try:
        content = yaml.safe_load(text)
        as_written = set(content) == {"model_name", "model_version"} and all(
            isinstance(value, str | int | None) for value in content.values()
        )
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        as_written = False
    if not as_written or _written(content) != text:
        raise StepError(f"{str(path)!r} holds other than MLflow writes there; remove it")


def _written(content: dict[str, Any]) -> bytes:
    return yaml.dump(content, Dumper=YamlSafeDumper, allow_unicode=True).encode()


def sha256_of(path: Path) -> str:
    """Hash a file's bytes: hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
