"""The limits of a model: what it was not tested on, said plainly."""

from collections.abc import Iterable
from typing import Any

from steps.errors import listed
from steps.slices import MIN_ROWS

FEW_ROWS = 200  # held out: an accuracy of 0.9 has an interval of 0.08, one of 0.8 of 0.11
MISCALIBRATED = 0.05
LONG_NAME = 40


def limits(facts: dict[str, Any], contract: dict[str, Any]) -> list[str]:
    """List what a reader should not take for granted.

    Parameters
    ----------
    facts : dict
        As ``facts_of`` collects them.
    contract : dict

    Returns
    -------
    list of str
        A sentence or two each; the most particular to this model first.
    """
    return [
        *_form(facts),
        *_held_out(facts),
        *_features(contract.get("features", [])),
        "The held-out rows are a random part of the same table, with its shares of the classes: no "
        "test on later rows, on another source, or on people or groups that training has not seen. "
        "Drift is not watched; the entry point drift compares a table with the training rows.",
        f"Slices are single columns with {MIN_ROWS} held-out rows or more; smaller ones and "
        "combinations are not measured.",
    ]


def _listed(names: Iterable[str]) -> str:
    """List names that may be long sentences of their own."""
    return listed(name if len(name) <= LONG_NAME else f"{name[: LONG_NAME - 1]}…" for name in names)


def _form(facts: dict[str, Any]) -> list[str]:
    found = []
    if facts["verdict"] == "FORCED":
        found.append(f"Registered by force: {facts['forced_because']}.")
    if facts["model"]["format"] == "pickle":
        found.append(
            "It ships as a pickle: to load it runs code of its own, and only the Python minor "
            f"version that wrote it can. The reason: {facts['model']['format_reason']}"
        )
    if facts["remark"]:
        found.append(f"On the champion: {facts['remark']}.")
    return found


def _held_out(facts: dict[str, Any]) -> list[str]:
    rows, found = facts["held_out_rows"], []
    if rows and rows < FEW_ROWS:
        found.append(
            f"Only {rows} rows were held out: read each figure with its interval, and a difference "
            "within it as none."
        )
    rare = [row for row in facts["per_class"] if row["rows"] < MIN_ROWS]
    if rare:
        named = _listed(f"{row['class']} ({row['rows']})" for row in rare)
        found.append(f"Fewer than {MIN_ROWS} held-out rows of {named}: their figures say little.")
    error = {row["metric"]: row["value"] for row in facts["metrics"]}.get("calibration_error")
    if error is not None and error > MISCALIBRATED:
        found.append(
            f"Its probabilities are off by {error:.2f} on average: rank by them, but do not read "
            "them as frequencies."
        )
    return found


def _features(features: list[dict[str, Any]]) -> list[str]:
    found = []
    whole = [feature["name"] for feature in features if feature["null_rate"] == 0]
    if whole:
        found.append(
            f"Without a null in training: {_listed(whole)}. A null there is answered from no "
            "experience."
        )
    if any(feature["kind"] == "categorical" for feature in features):
        found.append(
            "Categories that training has not seen are answered as unknown; how well was not "
            "measured. The param strict refuses them."
        )
    return found
