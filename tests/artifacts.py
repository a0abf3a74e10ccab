"""A packaged artifact in a folder, without a run and without a store."""

from pathlib import Path

import pandas as pd

from steps.artifact import save_artifact
from steps.clock import Clock
from steps.export import Export, export
from steps.fitting import build_pipeline, fit
from steps.prepare import prepare
from steps.storage import Training, pickled


def make_artifact(
    folder: Path,
    frame: pd.DataFrame,
    target: str,
    seed: int = 0,
    wheels: bool = False,
    graph: bool = True,
) -> Path:
    """Train on a table and save the artifact."""
    params = {"target": target, "drop": "", "kinds": "", "test_size": 0.2, "seed": seed}
    prepared = prepare(frame, params, Clock())
    pipeline = build_pipeline(
        prepared.contract, "hist_gradient_boosting", seed, {"max_iter": 10 + seed}
    )
    fit(pipeline, prepared.matrices[0], prepared.indices[0])
    held_out, labels = prepared.rows.features[1], prepared.rows.labels[1]
    training = Training(
        pipeline,
        prepared.contract,
        held_out.reset_index(drop=True),
        labels.reset_index(drop=True),
        held_out.index.to_numpy() + 1,
    )
    exported = (
        export(pipeline, prepared.matrices[1], prepared.contract["threshold"])
        if graph
        else Export("pipeline.pkl", pickled(pipeline), 0.0, "asked for")
    )
    save_artifact(training, exported, "# card", folder, wheels)
    return folder
