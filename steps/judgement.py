"""The judgement of a model: its gates, the dummy baseline, the champion, the worst slice."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from mlflow.entities import Run

from custom_model.predictor import decide
from steps.bootstrap import Gain, Scored, beyond_chance, gains
from steps.champion import (
    AnotherQuestionError,
    NotScoredError,
    has_seen_held_out_rows,
    score_champion,
)
from steps.errors import StepError
from steps.gates import GAIN, WORST_SLICE, Check, Gate, judge
from steps.metrics import measure
from steps.registry import find_rival
from steps.rows import class_indices
from steps.slices import worst
from steps.storage import Training

CHAMPION_ERRORS = ("fail", "ignore")


class Rivals(NamedTuple):
    """How a model does against the dummy baseline and the champion, on one metric."""

    metric: str
    baseline: Gain
    champion: Gain | None
    version: str  # of the champion; empty where there is none
    remark: str  # what there is to say about the comparison with the champion
    measured: dict[str, dict[str, float]]  # every metric of baseline and champion

    def figures(self) -> dict[str, float]:
        """Name the finite figures, for the tracking store."""
        found = {GAIN: self.baseline, "gain_over_champion": self.champion}
        figures = {
            name if part == "value" else f"{name}_{part}": figure
            for name, gain in found.items()
            if gain is not None
            for part, figure in gain._asdict().items()
        }
        return {name: figure for name, figure in figures.items() if np.isfinite(figure)}

    def lines(self) -> dict[str, str]:
        """Sum up for the console."""
        champion = f"version {self.version}: {self.champion}" if self.champion else "none"
        if self.version and not self.champion:
            champion = f"version {self.version}, not compared"
        return {"over baseline": f"{self.metric} {self.baseline}", "over champion": champion}


def score(training: Training) -> tuple[np.ndarray, Scored]:
    """Score the held-out rows with the fitted pipeline.

    Parameters
    ----------
    training : Training

    Returns
    -------
    labels : ndarray of shape (n_rows,), int
        Class indices.
    scored : Scored
    """
    probabilities = training.pipeline.predict_proba(training.matrix)
    labels = class_indices(training.labels, training.contract)
    return labels, Scored(decide(probabilities, training.contract["threshold"]), probabilities)


def baseline(training: Training) -> Scored:
    """Score the held-out rows by the classes' shares of the training rows alone."""
    counts = np.array(training.contract["class_counts"], dtype=float)
    n_rows = len(training.labels)
    return Scored(np.full(n_rows, counts.argmax()), np.tile(counts / counts.sum(), (n_rows, 1)))


def compare(
    training: Training, train_run: Run, labels: np.ndarray, scored: Scored, params: dict[str, Any]
) -> Rivals:
    """Compare a model with the dummy baseline and the current champion.

    Parameters
    ----------
    training : Training
    train_run : Run
    labels : ndarray of shape (n_rows,), int
        Class indices.
    scored : Scored
        By the model itself.
    params : dict
        ``metric``, ``model_name``, ``alias`` and ``champion_error``.

    Returns
    -------
    Rivals

    Raises
    ------
    StepError
        When the champion cannot be scored and ``champion_error`` is ``fail``.
    """
    version = find_rival(params["model_name"], params["alias"])
    others, remark = [baseline(training)], ""
    name = f"champion {params['model_name']} version {version.version}" if version else ""
    if version:
        try:
            others.append(score_champion(version, training))
            if has_seen_held_out_rows(version, train_run.data.tags):
                remark = f"{name} has been fitted on some of these rows (same data, another split)"
        except AnotherQuestionError as error:
            remark = f"{name} is not compared: {error}; give each question its own model_name"
        except NotScoredError as error:
            remark = f"{name} cannot be scored on these rows: {error}"
            if params["champion_error"] == "fail":
                raise StepError(
                    f"{remark}; mend that, or replace it unseen with champion_error=ignore"
                ) from error
    found = gains(params["metric"], labels, scored, others)
    chance = beyond_chance(params["metric"], labels, scored, others[0])
    found[0] = found[0]._replace(low=float(np.minimum(found[0].low, chance)))
    champion = found[1] if len(found) > 1 else None
    number = str(version.version) if version else ""
    measured = [measure(labels, *other) for other in others]
    named = dict(zip(("baseline", "champion"), [*measured, {}], strict=False))
    return Rivals(params["metric"], found[0], champion, number, remark, named)


def champion_checks(rivals: Rivals, max_regression: float) -> list[Check]:
    """Judge that a model is not worse than the champion: non-inferiority at 95% [1]_.

    The low end of the interval of its gain must reach ``-max_regression``.

    References
    ----------
    .. [1] Piaggio et al., "Reporting of Noninferiority and Equivalence Randomized Trials",
       JAMA 308(24), 2012.
    """
    if rivals.champion is None:
        return []
    found = f"{rivals.metric} against version {rivals.version} is {rivals.champion}"
    passed = bool(rivals.champion.low >= -max_regression)
    if not passed and rivals.champion.high >= -max_regression:
        found += ": too few held-out rows to tell, raise test_size or max_regression"
    return [Check(f"max_regression={max_regression:g}", passed, found)]


def gate_checks(
    gates: list[Gate], measured: dict[str, float], slices: pd.DataFrame, rivals: Rivals
) -> list[Check]:
    """Judge the gates, those on the baseline and the worst slice among them."""
    figures, where = measured | {GAIN: rivals.baseline.low}, {}
    where[GAIN] = f" at the low end of {rivals.metric} {rivals.baseline}"
    for gate in gates:
        if gate.metric.startswith(WORST_SLICE):
            found = worst(slices, gate.metric.removeprefix(WORST_SLICE))
            figures[gate.metric] = found[gate.metric.removeprefix(WORST_SLICE)] if found else np.nan
            if found:
                where[gate.metric] = f" on the {found['rows']} rows with {found['slice']}"
    return judge(gates, figures, where)
