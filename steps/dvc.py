"""A data file that DVC tracks (``x.csv.dvc`` beside it): checked, and told where it comes from."""

import configparser
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from steps.errors import StepError
from steps.git import git
from steps.outage import without_password

CHUNK = 2**20  # bytes; DVC 2 looked for line ends in such pieces
DOS2UNIX = "md5-dos2unix"  # of DVC 2, whose files do not name their hash
HASHES = ("md5", DOS2UNIX)


class Tracked(NamedTuple):
    """What a ``.dvc`` file says of a data file."""

    dvc_file: Path
    md5: str
    hash_name: str  # one of HASHES
    size: int | None
    remote: str  # the output's own; empty for the repository's default


def tracked(path: Path) -> Tracked | None:
    """Read the ``.dvc`` file beside a data file.

    Parameters
    ----------
    path : Path
        Of the data file: absolute, its links not resolved, for DVC may lay links into its cache.

    Returns
    -------
    Tracked or None
        None where DVC does not track it by a file of its own.

    Raises
    ------
    StepError
        When the ``.dvc`` file cannot be read, or tracks something else.
    """
    dvc_file = _beside(path)
    if not dvc_file.is_file():
        return None
    try:
        content = yaml.safe_load(dvc_file.read_text(encoding="utf-8"))
        folder = dvc_file.parent / (content.get("wdir") or ".")
        named = [(os.path.abspath(folder / out["path"]), out) for out in content["outs"]]
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, LookupError, TypeError) as error:
        raise StepError(
            f"data: {dvc_file}: expected what dvc add writes (outs, each with md5 and path), got "
            f"something else; write it anew by dvc add {path}"
        ) from error
    outs = [out for name, out in named if name == str(path)]
    if not outs:
        raise StepError(
            f"data: {dvc_file}: expected it to track {path.name}, which is not among its outs; "
            f"write it anew by dvc add {path}"
        )
    return _tracked(dvc_file, outs[0])


def _tracked(dvc_file: Path, out: dict[str, Any]) -> Tracked:
    md5, name = out.get("md5"), out.get("hash", DOS2UNIX)
    if not isinstance(md5, str) or name not in HASHES:
        raise StepError(
            f"data: {dvc_file}: expected the md5 of a file, got {_hash_of(out)}, which cannot be "
            "checked here; track the file by its md5 (dvc add)"
        )
    if md5.endswith(".dir"):
        raise StepError(f"data: {dvc_file}: expected the md5 of a file, got that of a folder")
    size = out.get("size")
    return Tracked(
        dvc_file, md5, name, size if isinstance(size, int) else None, str(out.get("remote") or "")
    )


def _hash_of(out: dict[str, Any]) -> str:
    known = {"path", "size", "cache", "persist", "push", "remote", "desc", "type", "meta", "labels"}
    return str(out.get("hash") or ", ".join(name for name in out if name not in known) or "none")


def check(path: Path) -> None:
    """Refuse a data file that is not the version that DVC tracks.

    Parameters
    ----------
    path : Path
        As for ``tracked``.

    Raises
    ------
    StepError
    """
    found = tracked(path)
    if found is None:
        return
    md5, size = _md5_of(path, found.hash_name), path.stat().st_size
    # the size that DVC 2 recorded is that of the file as it was, line ends included
    if md5 == found.md5 and (found.size in (None, size) or found.hash_name == DOS2UNIX):
        return
    expected = f"md5 {found.md5}" + (f" ({found.size} bytes)" if found.size is not None else "")
    raise StepError(
        f"data: {path} is not the version that {found.dvc_file.name} tracks: expected {expected}, "
        f"got md5 {md5} ({size} bytes); run dvc checkout {found.dvc_file} for the tracked version, "
        f"or dvc add {path} to track this one"
    )


def check_pulled(path: Path, parameter: str) -> None:
    """Say of a missing data file that DVC tracks how to get it.

    Parameters
    ----------
    path : Path
        As for ``tracked``.
    parameter : str
        The name that the user knows it by.

    Raises
    ------
    StepError
    """
    dvc_file = _beside(path)
    if dvc_file.is_file():
        raise StepError(
            f"{parameter}: expected a file, found nothing at {path}, which DVC tracks; run "
            f"dvc pull {dvc_file} to get it"
        )


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.dvc")


def _md5_of(path: Path, hash_name: str) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(_unix(chunk) if hash_name == DOS2UNIX else chunk)
    return digest.hexdigest()


def _unix(chunk: bytes) -> bytes:
    """Turn the line ends of a text into those of Unix; what is text, by DVC 2's own rule."""
    text = bytes(range(32, 127)) + b"\n\r\t\f\b"
    start = chunk[:512]
    foreign = len(start.translate(None, text))
    if b"\0" in start or foreign > 0.3 * len(start):
        return chunk
    return chunk.replace(b"\r\n", b"\n")


def dvc_tags(path: Path) -> dict[str, str]:
    """Say where a data file comes from, for the tags of a run.

    Parameters
    ----------
    path : Path
        As for ``tracked``.

    Returns
    -------
    dict of str to str
        ``dvc_md5``, ``dvc_path`` (in its repository), ``dvc_remote`` (name and URL, no password)
        and ``dvc_rev`` (git commit, ``-dirty`` where that commit holds another ``.dvc`` file);
        what there is of them. Empty where DVC does not track the file.
    """
    found = tracked(path)
    if found is None:
        return {}
    home = next((folder for folder in path.parents if (folder / ".dvc").is_dir()), path.parent)
    tags = {
        "dvc_md5": found.md5,
        "dvc_path": path.relative_to(home).as_posix(),
        "dvc_remote": _remote(home / ".dvc", found.remote),
        "dvc_rev": _rev(found.dvc_file),
    }
    return {name: value for name, value in tags.items() if value}


def _remote(settings: Path, name: str) -> str:
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read([settings / "config", settings / "config.local"], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return ""  # it is DVC that needs them whole
    name = name or config.get("core", "remote", fallback="").strip("\"'")
    url = config.get(f"'remote \"{name}\"'", "url", fallback="").strip("\"'")
    if url and "://" not in url:
        url = str((settings / url).resolve())  # DVC keeps it relative to its settings
    return f"{name} {without_password(url.partition('?')[0])}".strip()


def _rev(dvc_file: Path) -> str:
    commit = git(dvc_file.parent, "rev-parse", "HEAD")
    changed = git(dvc_file.parent, "status", "--porcelain", "--ignored", "--", dvc_file.name)
    return f"{commit}-dirty" if commit and changed else commit
