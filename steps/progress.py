"""How far a long scoring is: on a terminal rows, rows a second and time left; elsewhere nothing."""

import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from tqdm import tqdm

from steps.console import PATIENCE

EVERY = 0.2  # seconds


class Counted(Protocol):
    """Rows of which one knows how many of all they complete."""

    @property
    def n_rows(self) -> int: ...

    @property
    def share(self) -> float: ...


T = TypeVar("T", bound=Counted)


def shown(doing: str, done: Iterable[T]) -> Iterator[T]:
    """Pass on what is done and show it.

    Parameters
    ----------
    doing : str
    done : iterable
        Each with ``n_rows`` of its own, and the ``share`` of the whole that is done with it.
    """
    with tqdm(
        desc=doing,
        unit=" rows",
        unit_scale=True,
        leave=False,
        delay=PATIENCE,
        mininterval=EVERY,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
    ) as bar:
        for part in done:
            n_rows = bar.n + part.n_rows
            bar.total = max(n_rows, round(n_rows / (part.share or 1)))
            bar.update(part.n_rows)
            yield part
