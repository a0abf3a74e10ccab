"""What was measured: ratios round by round, with targets, as text and as JSON."""

import operator
import statistics
from collections.abc import Sequence
from typing import Any

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
HEADER = ("what", "ours", "against", "theirs", "ratio", "range", "target", "met")

Figure = dict[str, Any]  # JSON-ready


def ratio(
    what: str, unit: str, ours: Sequence[float], peer: str, theirs: Sequence[float],
    target: str = "",
) -> Figure:  # fmt: skip
    """Compare with a peer, round by round.

    Parameters
    ----------
    what, unit : str
    ours : sequence of n_rounds float
    peer : str
        Its name.
    theirs : sequence of n_rounds float
        Measured in turns with ``ours``.
    target : str
        Such as ``>= 2.5``; empty for a figure that only informs.

    Returns
    -------
    dict
    """
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    medians = {"ours": statistics.median(ours), "theirs": statistics.median(theirs)}
    return {"what": what, "unit": unit, "peer": peer, **medians} | _judged(ratios, target)


def absolute(what: str, unit: str, values: Sequence[float], target: str = "") -> Figure:
    """Tell a figure that has no peer; see ``ratio``."""
    return {"what": what, "unit": unit} | _judged(values, target)


def skipped(what: str, reason: str, target: str = "") -> Figure:
    """Tell what could not be measured."""
    return {"what": what, "skipped": reason, "target": target}


def _judged(values: Sequence[float], target: str) -> Figure:
    median = statistics.median(values)
    judged = {
        "median": median,
        "range": [min(values), max(values)],
        "rounds": len(values),
        "target": target,
    }
    if target:
        sign, bound = target.split()[:2]
        judged["met"] = bool(COMPARE[sign](median, float(bound)))
    return judged


def cells(figure: Figure) -> tuple[str, ...]:
    """Write a figure as the cells of a line; see ``HEADER``."""
    if "skipped" in figure:
        reason = f"skipped: {figure['skipped']}"
        return figure["what"], "", reason, "", "", "", figure["target"], ""
    unit, met = figure["unit"], {True: "yes", False: "NO", None: ""}[figure.get("met")]
    low, high = map(number, figure["range"])
    ending = figure["target"], met
    if "peer" not in figure:
        own = f"{number(figure['median'])} {unit}"
        return figure["what"], own, "", "", "", f"{low} to {high}", *ending
    ours, theirs = (f"{number(figure[name])} {unit}" for name in ("ours", "theirs"))
    spread = f"{low} to {high}"
    return figure["what"], ours, figure["peer"], theirs, number(figure["median"]), spread, *ending


def number(value: float) -> str:
    """Write a number for people: three digits, all of those before the point.

    Examples
    --------
    >>> number(0.01234), number(9.876), number(12345.6)
    ('0.0123', '9.88', '12,346')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_text(figures: Sequence[Figure]) -> str:
    """Align figures in columns, for a terminal."""
    lines = [HEADER, *map(cells, figures)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_markdown(figures: Sequence[Figure]) -> str:
    """Write figures as a table, for the docs."""
    lines = [HEADER, ("---",) * len(HEADER), *map(cells, figures)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
