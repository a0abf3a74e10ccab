"""What came of a training done again: whether its answers are the same, and what else is not."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from steps.recorded import Recorded

# of a train run, and what they are called
TAGS = {"data_sha256": "data", "split_sha256": "split", "python": "Python"}
MACHINE = {"platform": "platform", "cpu": "CPU", "gpu": "GPU"}
UNEXPLAINED = (
    "nothing else that is recorded differs: this training may give other answers each time "
    "(threads, a GPU, a seed of its own)"
)


class Answers(NamedTuple):
    """How the answers on the held-out rows compare, bit for bit."""

    rows: int
    same_rows: bool  # the same rows, with the same truth, of the same classes
    other_labels: int
    other_probabilities: int  # rows with one or more
    largest_difference: float  # of a probability

    @property
    def identical(self) -> bool:
        """Whether every answer is the same."""
        return self.same_rows and not (self.other_labels or self.other_probabilities)

    def told(self) -> str:
        """Sum up in a few words."""
        if not self.same_rows:
            return "other rows are held out, or of other classes"
        if self.identical:
            return f"{self.rows} rows, identical bit for bit"
        return (
            f"{self.rows} rows, of which {self.other_labels} have another label and "
            f"{self.other_probabilities} another probability, by at most "
            f"{self.largest_difference:.3g}"
        )


def compare_answers(before: pd.DataFrame, after: pd.DataFrame) -> Answers:
    """Compare two tables of answers.

    Parameters
    ----------
    before, after : DataFrame
        ``row``, ``truth``, ``prediction`` and a column ``probability_<class>`` for each class.

    Returns
    -------
    Answers
    """
    if list(before) != list(after) or not before[["row", "truth"]].equals(after[["row", "truth"]]):
        return Answers(len(before), False, 0, 0, 0.0)
    columns = [name for name in before if str(name).startswith("probability_")]
    first, second = (frame[columns].to_numpy(dtype=np.float64) for frame in (before, after))
    other = (first.view(np.uint64) != second.view(np.uint64)).any(axis=1)
    labels = before["prediction"].to_numpy() != after["prediction"].to_numpy()
    largest = float(np.abs(first - second).max(initial=0))
    return Answers(len(before), True, int(labels.sum()), int(other.sum()), largest)


def differences(before: Recorded, after: Recorded) -> list[str]:
    """Name what differs between a training and the same done again: before -> after.

    Parameters
    ----------
    before, after : Recorded

    Returns
    -------
    list of str
        Data and split first, then Python, each package, and the machine.
    """
    return (
        _changed(before.tags, after.tags, TAGS)
        + _changed(_versions(before.packages), _versions(after.packages))
        + _changed(before.tags, after.tags, MACHINE)
    )


def _versions(packages: list[str]) -> dict[str, str]:
    return dict(line.partition("==")[::2] for line in packages)


def _changed(
    before: dict[str, str], after: dict[str, str], names: dict[str, str] | None = None
) -> list[str]:
    """Tell changed values first, then those that are gone, then new ones."""
    known = sorted({*before, *after}, key=lambda n: (n not in before, n not in after, n.lower()))
    pairs = [
        (told, before.get(name, "none"), after.get(name, "none"))
        for name, told in (names or {name: name for name in known}).items()
    ]
    return [f"{told} {was} -> {now}" for told, was, now in pairs if was != now]
