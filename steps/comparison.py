"""Evaluated runs in one table, and by how much the best is better on the same rows."""

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from steps.bootstrap import Gain, Scored, gains
from steps.judged import Judged, labels_of
from steps.metrics import METRICS

PREDICTIONS = "predictions.parquet"
MARGIN = 24  # characters of the console before the first run
LABEL_LENGTH = 32


def predictions_of(run: Judged) -> pd.DataFrame | None:
    """Read the predictions that evaluate stored; None where it stored none."""
    client, run_id = MlflowClient(), run.evaluation.info.run_id
    if PREDICTIONS not in {file.path for file in client.list_artifacts(run_id)}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return pd.read_parquet(client.download_artifacts(run_id, PREDICTIONS, folder))


def paired_gains(
    judged: list[Judged], predictions: list[pd.DataFrame | None], metric: str
) -> list[Gain | None]:
    """Measure by how much the first run is better than each other one, on the same rows.

    Parameters
    ----------
    judged : list of Judged
    predictions : list of DataFrame or None
        ``row``, ``truth``, ``prediction`` and a column ``probability_<class>`` for each class.
    metric : str

    Returns
    -------
    list of Gain or None
        None for the first itself, and where other rows or no predictions are there.
    """
    best, first = judged[0], predictions[0]
    if first is None:
        return [None] * len(judged)
    comparable = [
        position
        for position in range(1, len(judged))
        if best.same_rows(judged[position]) and _same_rows(first, predictions[position])
    ]
    labels, scored = _scored(first)
    others = [_scored(predictions[position])[1] for position in comparable]  # type: ignore[arg-type]
    found: list[Gain | None] = [None] * len(judged)
    if others:
        for position, gain in zip(comparable, gains(metric, labels, scored, others), strict=True):
            found[position] = gain
    return found


def _same_rows(first: pd.DataFrame, other: pd.DataFrame | None) -> bool:
    return (
        other is not None
        and list(first.columns) == list(other.columns)
        and first["row"].equals(other["row"])
        and first["truth"].equals(other["truth"])
    )


def _scored(predictions: pd.DataFrame) -> tuple[np.ndarray, Scored]:
    columns = [name for name in map(str, predictions) if name.startswith("probability_")]
    index = {name.removeprefix("probability_"): position for position, name in enumerate(columns)}
    truth, predicted = (
        predictions[name].map(lambda label: index[str(label)]).to_numpy(dtype=np.int64)
        for name in ("truth", "prediction")
    )
    return truth, Scored(predicted, predictions[columns].to_numpy(dtype=float))


def tabulate(
    judged: list[Judged], predictions: list[pd.DataFrame | None], found: list[Gain | None]
) -> pd.DataFrame:
    """Put runs into one table: what, on what, every metric with its interval, gain of the first."""
    rows = []
    for label, run, stored, gain in zip(labels_of(judged), judged, predictions, found, strict=True):
        figures = run.evaluation.data.metrics
        names = [name for m in METRICS for name in (m, f"{m}_low", f"{m}_high") if name in figures]
        rows.append(
            {
                "label": label,
                "experiment": run.experiment,
                "classifier": run.training.data.params.get("classifier", ""),
                "run_name": run.training.info.run_name,
                "run_id": run.training.info.run_id,
                "evaluate_run_id": run.evaluation.info.run_id,
                **run.question(),
                "held_out_rows": None if stored is None else len(stored),
                **{name: figures[name] for name in names},
                "fit_seconds": run.training.data.metrics.get("fit_seconds"),
                "verdict": run.evaluation.data.tags["verdict"],
                **{f"gain_of_best{end}": part for end, part in _parts(gain).items()},
            }
        )
    return pd.DataFrame(rows)


def _parts(gain: Gain | None) -> dict[str, float | None]:
    return dict(zip(("", "_low", "_high"), gain or (None, None, None), strict=True))


def shortened(label: str, length: int = LABEL_LENGTH) -> str:
    """Leave out the middle of a long label: labels often differ at the end.

    Examples
    --------
    >>> shortened("customers of 2024, forest", 13)
    'custom…forest'
    """
    half = (length - 1) // 2
    return label if len(label) <= length else f"{label[:half]}…{label[-half:]}"


def blocks(table: pd.DataFrame, width: int) -> Iterator[dict[str, str]]:
    """Lay a table out for the console: a column a run, as many side by side as fit."""
    columns = [_column(row) for row in table.to_dict("records")]
    broad = max(len(cell) for column in columns for cell in column.values())
    side_by_side = max(1, (width - MARGIN) // (broad + 2))
    for start in range(0, len(columns), side_by_side):
        part = columns[start : start + side_by_side]
        yield {
            name: "  ".join(f"{column[name]:<{broad}}" for column in part).rstrip()
            for name in columns[0]
        }


def _column(row: dict[Any, Any]) -> dict[str, str]:
    texts = {"": "label", "classifier": "classifier", "run": "run_id"}
    told = {name: shortened(str(row[column])) for name, column in texts.items()}
    told |= {name: shortened(row[name]) for name in ("data", "split", "target")}
    rows, seconds = row["held_out_rows"], row["fit_seconds"]
    told["held-out rows"] = "unknown" if pd.isna(rows) else f"{rows:.0f}"
    told |= {name: _cell(row, name) for name in METRICS if name in row}
    told["fit seconds"] = "unknown" if pd.isna(seconds) else f"{seconds:.1f}"
    return told | {"verdict": row["verdict"]}


def _cell(row: dict[Any, Any], metric: str) -> str:
    if pd.isna(row[metric]):
        return "undefined"
    low, high = row.get(f"{metric}_low", np.nan), row.get(f"{metric}_high", np.nan)
    interval = "" if pd.isna(low) or pd.isna(high) else f" [{low:.3f}, {high:.3f}]"
    return f"{row[metric]:.4f}{interval}"


def verdict_on(gain: Gain | None, metric: str) -> str:
    """Say whether the best is really better than another: only if its whole interval says so."""
    if gain is None:
        return "not compared row by row"
    sure = "better" if gain.low > 0 else "the rows cannot tell them apart"
    return f"{metric} {gain}: {sure}"
