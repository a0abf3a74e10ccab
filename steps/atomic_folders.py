"""Folders that are there whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps.errors import StepError


@contextmanager
def replacing_folders(*targets: Path) -> Iterator[list[Path]]:
    """Replace folders when the block ends well; leave them as they are when it does not.

    Parameters
    ----------
    *targets : Path
        Replaced in this order: once the last one is new, all are. One that the block did not make
        is removed.

    Yields
    ------
    list of Path
        A folder to work in, beside the last target, then one to make for each target.

    Raises
    ------
    StepError
        When one cannot be written, or another process is at it.
    """
    work = targets[-1].with_name(f".{targets[-1].name}.partial")
    try:
        with _alone_in(work, targets[-1]):
            made = [work / f"new-{number}" for number in range(len(targets))]
            yield [work, *made]
            for number, (new, target) in enumerate(zip(made, targets, strict=True)):
                if target.exists():
                    target.rename(work / f"old-{number}")
                if new.exists():
                    new.rename(target)
    except OSError as error:
        raise StepError(f"output: cannot write {targets[-1]}: {error.strerror or error}") from error


@contextmanager
def _alone_in(work: Path, target: Path) -> Iterator[None]:
    if work.is_file():  # of a killed run of the other engine
        work.unlink()
    work.mkdir(exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StepError(
            f"output: another run is writing {target}; wait for its end, or give another output"
        ) from error
    try:
        for left in work.iterdir():  # by a killed run
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)
