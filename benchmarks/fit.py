"""The fit, preprocessing included, beside scikit-learn's estimator on what is prepared already."""

import time

import pandas as pd

from benchmarks.figures import Figure, ratio
from benchmarks.fixtures import SEED, prepare
from benchmarks.timing import Setting, in_turns


def measure(setting: Setting) -> list[Figure]:
    """Fit both in turns on the same rows."""
    from sklearn.base import clone

    from steps.fitting import build_pipeline, fit

    prepared = prepare(pd.read_parquet(setting.fixtures.table(setting.many_rows)))
    matrix, indices = prepared.matrices[0], prepared.indices[0]

    def ours() -> float:
        pipeline = build_pipeline(prepared.contract, "hist_gradient_boosting", SEED, {})
        start = time.perf_counter()
        fit(pipeline, matrix, indices)
        return time.perf_counter() - start

    pipeline = build_pipeline(prepared.contract, "hist_gradient_boosting", SEED, {})
    ready = pipeline[:-1].fit_transform(matrix, indices)

    def theirs() -> float:
        estimator = clone(pipeline["classifier"])
        start = time.perf_counter()
        estimator.fit(ready, indices)
        return time.perf_counter() - start

    peer = "HistGradientBoostingClassifier"
    found = in_turns({"ours": ours, peer: theirs}, setting.few_rounds)
    what = f"fit, {setting.many_rows:,} rows ({len(indices):,} for training)"
    return [ratio(what, "s", found["ours"], peer, found[peer], "<= 1.3")]
