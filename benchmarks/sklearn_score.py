"""What one would write by hand: scikit-learn's own pipeline, fitted on the raw columns.

``fit`` pickles it; ``score`` reads parquet with pandas, asks for probabilities and writes parquet.
"""

import pickle
import sys
from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder


def fit(table: str, model: str) -> None:
    """Fit on a table with the column ``label``."""
    frame = pd.read_parquet(table)
    label = frame.pop("label")
    texts = [name for name in frame if name.startswith("category")]
    numbers = [name for name in frame if name not in texts]
    encoder = TargetEncoder(target_type="binary")
    columns = ColumnTransformer([("numbers", "passthrough", numbers), ("texts", encoder, texts)])
    pipeline = make_pipeline(columns, HistGradientBoostingClassifier(random_state=42))
    Path(model).write_bytes(pickle.dumps(pipeline.fit(frame, label)))


def score(model: str, table: str, output: str) -> None:
    """Score a table."""
    pipeline = pickle.loads(Path(model).read_bytes())
    probabilities = pipeline.predict_proba(pd.read_parquet(table))
    chosen = probabilities.argmax(axis=1)
    answers = {"prediction": pipeline.classes_[chosen], "probability": probabilities.max(axis=1)}
    answers |= {f"probability_{name}": probabilities[:, name] for name in (0, 1)}
    pd.DataFrame(answers).to_parquet(output)


if __name__ == "__main__":
    {"fit": fit, "score": score}[sys.argv[1]](*sys.argv[2:])
