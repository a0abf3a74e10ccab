"""The one kind of failure that a user can mend."""

from collections.abc import Iterable

MOST_NAMES = 10


class StepError(Exception):
    """Says in one line what was expected, what came and what to do next."""


def listed(names: Iterable[str]) -> str:
    """List names for a sentence, the first ten of many.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'
    """
    names = list(names)
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
