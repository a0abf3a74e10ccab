"""The record of a past run, without a run and without a store."""

from pathlib import Path

from mlflow.entities import Param, Run, RunData, RunInfo, RunTag

from steps.recorded import Recorded

ANSWERS = {
    "row": [1, 2, 3],
    "truth": ["a", "b", "b"],
    "prediction": ["a", "b", "a"],
    "probability_a": [0.75, 0.25, 0.5],
    "probability_b": [0.25, 0.75, 0.5],
}


def past(
    code: Path,
    params: dict[str, str] | None = None,
    hyperparameters: dict[str, str] | None = None,
    evaluation: dict[str, str] | None = None,
    run_id: str = "1" * 32,
    **tags: str,
) -> Recorded:
    """A record of a folder of scripts, of some parameters and tags."""
    return Recorded(
        _run(run_id, params or {}, tags),
        _run("2" * 32, {}, evaluation or tags),
        hyperparameters or {},
        code,
        code / "predictions.parquet",
    )


def _run(run_id: str, params: dict[str, str], tags: dict[str, str]) -> Run:
    info = RunInfo(run_id, "0", "me", "FINISHED", 0, 1, "active", "/nowhere", "train")
    data = RunData(
        params=[Param(*pair) for pair in params.items()],
        tags=[RunTag(*pair) for pair in tags.items()],
    )
    return Run(info, data)
