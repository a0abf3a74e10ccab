"""Evaluated runs of one or several experiments: found, ordered, and what differs between them."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run

from steps.cache import original
from steps.errors import StepError, listed
from steps.metrics import LOSSES

SHORT = 8  # characters of an id or a hash, for people


class Judged(NamedTuple):
    """A pipeline run that was trained and evaluated."""

    experiment: str
    training: Run
    evaluation: Run

    def question(self) -> dict[str, str]:
        """Tell what has to be the same for a comparison of like with like."""
        tags, params = self.training.data.tags, self.training.data.params
        sha256 = tags.get("data_sha256", "unknown")[:SHORT]
        return {
            "data": f"{params.get('data', '')} {sha256}".strip(),
            "split": tags.get("split_sha256", "unknown")[:SHORT],
            "target": params.get("target", "unknown"),
        }

    def same_rows(self, other: "Judged") -> bool:
        """Tell whether both were evaluated on the same held-out rows, wherever the data lay."""
        tags, others = self.training.data.tags, other.training.data.tags
        return self.question()["target"] == other.question()["target"] and all(
            name in tags and tags[name] == others.get(name)
            for name in ("data_sha256", "split_sha256")
        )


def find_experiments(names: Sequence[str]) -> list[Experiment]:
    """Find experiments by name.

    Raises
    ------
    StepError
        When there is none of a name; with the names that are like it.
    """
    found = {name: MlflowClient().get_experiment_by_name(name) for name in names}
    for name, experiment in found.items():
        if experiment is None or experiment.lifecycle_stage != "active":
            there = [one.name for one in MlflowClient().search_experiments()]
            near = [repr(one) for one in difflib.get_close_matches(name, there, n=3)]
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {listed(there)}"
            raise StepError(f"experiments: no experiment {name!r} in the tracking store; {hint}")
    return [experiment for experiment in found.values() if experiment]


def evaluated_runs(experiment: Experiment) -> list[Judged]:
    """Find the evaluated train runs of an experiment, the newest first.

    A rejected model has been evaluated too. A run that stands for an earlier one is followed to
    that; of several evaluations of one train run the newest counts.
    """
    evaluations = mlflow.search_runs(
        [experiment.experiment_id],
        "tags.step = 'evaluate' and attributes.status != 'RUNNING'",
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )
    found: dict[str, Judged] = {}
    for run in map(original, evaluations):
        train_run_id = run.data.tags.get("train_run_id")
        if train_run_id and "verdict" in run.data.tags and train_run_id not in found:
            training = MlflowClient().get_run(train_run_id)
            found[train_run_id] = Judged(experiment.name, training, run)
    return list(found.values())


def choose(experiments: list[Experiment], runs: str) -> list[Judged]:
    """Choose the runs to compare.

    Parameters
    ----------
    experiments : list of Experiment
    runs : str
        ``newest`` of each experiment, or ``all``.

    Raises
    ------
    StepError
        When an experiment has none, or there are fewer than two in all.
    """
    chosen: list[Judged] = []
    for experiment in experiments:
        judged = evaluated_runs(experiment)
        if not judged:
            raise StepError(
                f"experiments: expected an evaluated run in {experiment.name!r}, found none; run "
                f"the entry points train and evaluate with --experiment-name {experiment.name!r}"
            )
        chosen += judged if runs == "all" else judged[:1]
    if len(chosen) < 2:
        raise StepError(
            f"experiments: expected two evaluated runs or more, got one, of {experiments[0].name!r}"
            f"; name two experiments, or {'evaluate more' if runs == 'all' else 'say runs=all'}"
        )
    return chosen


def best_first(judged: list[Judged], metric: str) -> list[Judged]:
    """Order runs by a metric of their evaluations; those without it come last.

    Raises
    ------
    StepError
        When none has it.
    """
    values = [run.evaluation.data.metrics.get(metric, np.nan) for run in judged]
    if np.isnan(values).all():
        raise StepError(f"metric: expected {metric} in one of the runs or more, none logged it")
    order = np.argsort(values if metric in LOSSES else -np.array(values), kind="stable")
    return [judged[position] for position in order]


def labels_of(judged: list[Judged]) -> list[str]:
    """Name runs for people: by experiment, and by run where that does not tell them apart."""
    names = [run.experiment for run in judged]
    return [
        name if names.count(name) == 1 else f"{name} {run.training.info.run_id[:SHORT]}"
        for name, run in zip(names, judged, strict=True)
    ]


def differences(judged: list[Judged]) -> list[str]:
    """Say in a sentence each what keeps the comparison from being one of like with like."""
    found = []
    for name, tag in (("data", "data_sha256"), ("split", "split_sha256"), ("target", None)):
        keys = [run.training.data.tags.get(tag) if tag else run.question()[name] for run in judged]
        if len(set(keys)) > 1:
            told = zip(labels_of(judged), judged, strict=True)
            each = listed(f"{label} {run.question()[name]}" for label, run in told)
            found.append(f"the {name} differs ({each})")
    return found
