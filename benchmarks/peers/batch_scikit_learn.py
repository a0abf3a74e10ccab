"""The same by pandas and scikit-learn: ``batch_scikit_learn.py PIPELINE INPUT OUTPUT``."""

import pickle
import sys
from pathlib import Path

import pandas as pd

from benchmarks.peers.batch import figures


def score(pipeline: object, rows: str, output: str) -> None:
    """Read a table, score it, write labels and probabilities."""
    frame = pd.read_parquet(rows, columns=list(pipeline.feature_names_in_))
    scores = pipeline.predict_proba(frame)
    labels = pipeline.classes_[scores.argmax(axis=1)]
    answers = pd.DataFrame({"prediction": labels, "probability": scores.max(axis=1)})
    answers.to_parquet(output)


if __name__ == "__main__":
    model = pickle.loads(Path(sys.argv[1]).read_bytes())
    print(figures(lambda: score(model, *sys.argv[2:])))
