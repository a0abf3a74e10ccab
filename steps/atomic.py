"""Files that are there whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from steps.errors import StepError


class Partial:
    """A file in the making, beside the one that it will replace.

    Attributes
    ----------
    target : Path
    path : Path
        To write to. Its name is always the same, so a killed run leaves at most this one file,
        which the next run to the same target overwrites.
    wanted : bool
        Whether there is a file to be; if not, one that stands there of old is removed.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.partial")
        self.wanted = True
        self._file = self._locked()

    def _locked(self) -> int:
        """Open the file and lock it; the lock ends with the process, however that ends."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(file)
                raise StepError(
                    f"output: another run is writing {self.target}; wait for its end, or give "
                    "another output"
                ) from error
            if self._is_here(file):
                return file
            os.close(file)  # a run that ended just now had renamed or removed it

    def _is_here(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def flush(self) -> None:
        """Wait until the disk has it."""
        os.fsync(self._file)

    def commit(self) -> None:
        """Put it in its place."""
        if self.wanted:
            os.replace(self.path, self.target)
        else:
            self.target.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove what was not put in its place, and unlock."""
        if self._is_here(self._file):  # else it is the target now, or the next run's
            self.path.unlink()
        os.close(self._file)


@contextmanager
def replacing(*targets: Path) -> Iterator[list[Partial]]:
    """Replace files when the block ends well; leave them as they are when it does not.

    Parameters
    ----------
    *targets : Path
        Replaced in this order: once the last one is new, all are.

    Yields
    ------
    list of Partial

    Raises
    ------
    StepError
        When a file cannot be written, or another process is at it.
    """
    try:
        with ExitStack() as stack:
            partials = []
            for target in targets:
                partials.append(Partial(target))
                stack.callback(partials[-1].close)
            yield partials
            for partial in partials:
                partial.flush()
            for partial in partials:
                partial.commit()
            _flush_folder(targets[0].parent)
    except OSError as error:
        raise StepError(f"output: cannot write {targets[-1]}: {error.strerror or error}") from error


def _flush_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
