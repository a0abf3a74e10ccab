"""The report: one HTML file that shows a model, what it was made of and how it was judged."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from steps.metrics import LOSSES

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_CLASSES = 20
MOST_FEATURES = 15
MOST_NAMES = 8  # feature names of a kind before the fold
MOST_SLICES = 15
MOST_THRESHOLDS = 20
# in the order of a reader's questions, each with how to read it; others follow by name
CAPTIONS = {
    "confusion_matrix": "Rows are true classes, columns predicted ones; the diagonal is right.",
    "roc_curve": "Each class against the rest: hits against false alarms, over all thresholds.",
    "precision_recall_curve": "How many hits cost how many false alarms; telling for rare classes.",
    "calibration_curve": "On the diagonal, a predicted probability is the share that comes true.",
    "loss_curve": "Loss by iteration; validation that rises while training falls is overfitting.",
    "feature_importance": "By how much the metric drops when a feature is shuffled.",
    "dependence": "How the answer moves with the strongest feature, all else as it is.",
    "threshold": "What the decision threshold trades.",
}

TITLES = {"roc_curve": "ROC curve", "precision_recall_curve": "Precision-recall curve"}


def render(facts: dict[str, Any]) -> str:
    """Write the report as one HTML file that needs neither network nor script.

    Parameters
    ----------
    facts : dict
        As ``steps.facts.facts_of`` collects them; a section without facts is left out.

    Returns
    -------
    str
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,  # labels, column and file names are the user's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "count": count, "percent": percent}
    return environment.get_template("report.html.j2").render(
        facts,
        key_figures=key_figures(facts),
        ranges=ranges(facts["metrics"]),
        losses=LOSSES,
        pictures=pictures(facts["plots"]),
        strongest=facts["importances"][:MOST_FEATURES],
        worst_slices=facts["slices"][:MOST_SLICES],
        some_thresholds=spread(facts["thresholds"], MOST_THRESHOLDS),
        most_classes=MOST_CLASSES,
        most_names=MOST_NAMES,
    )


def figure(value: float | None) -> str:
    """Write a metric for people.

    Examples
    --------
    >>> figure(0.98765), figure(None)
    ('0.9877', '-')
    """
    return "-" if value is None else f"{value:.4f}"


def count(value: float | None) -> str:
    """Write a number of rows.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return "-" if value is None else f"{value:,.0f}"


def percent(share: float) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.4567), percent(0.0004)
    ('45.7%', '0.04%')
    """
    return f"{share:.1%}" if share >= 0.01 or share == 0 else f"{share:.2%}"


def key_figures(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Pick the metric of choice and three that everybody asks for."""
    named = {row["metric"]: row for row in facts["metrics"]}
    wanted = dict.fromkeys([facts["metric"], "accuracy", "f1", "roc_auc", "log_loss"])
    return [named[name] for name in wanted if name in named][:4]


def ranges(metrics: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Place the figures of each metric on a scale from 0 to 1, or to the largest of them.

    Parameters
    ----------
    metrics : list of dict

    Returns
    -------
    dict of str to dict
        For each metric the places of ``value``, ``low``, ``high``, ``baseline`` and ``champion``,
        in percent; of those that are known and not negative.
    """
    found = {}
    for row in metrics:
        known = {
            name: row[name]
            for name in ("value", "low", "high", "baseline", "champion")
            if row.get(name) is not None
        }
        if known and min(known.values()) >= 0:
            scale = max(1.0, *known.values())
            found[row["metric"]] = {n: round(100 * value / scale, 2) for n, value in known.items()}
    return found


def pictures(plots: dict[str, bytes]) -> list[dict[str, str]]:
    """Order the plots, and turn each into a data URI with its title and caption."""
    order = [name for name in CAPTIONS if name in plots] + sorted(set(plots) - set(CAPTIONS))
    return [
        {
            "title": TITLES.get(name, name.replace("_", " ").capitalize()),
            "caption": CAPTIONS.get(name, ""),
            "source": f"data:image/png;base64,{base64.b64encode(plots[name]).decode()}",
        }
        for name in order
    ]


def spread(rows: list[Any], most: int) -> list[Any]:
    """Pick rows at even distances, the first and the last among them.

    Examples
    --------
    >>> spread(list(range(9)), 3)
    [0, 4, 8]
    """
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]
