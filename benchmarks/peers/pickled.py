"""A PythonModel over a pickled scikit-learn pipeline."""

import pickle
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class Pickled(PythonModel):
    """Labels and their probabilities by a pipeline that reads the raw table."""

    def load_context(self, context: Any) -> None:
        """Unpickle the pipeline."""
        self.pipeline = pickle.loads(Path(context.artifacts["pipeline"]).read_bytes())

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score rows."""
        scores = self.pipeline.predict_proba(model_input)
        labels = self.pipeline.classes_[scores.argmax(axis=1)]
        return pd.DataFrame({"prediction": labels, "probability": scores.max(axis=1)})


mlflow.models.set_model(Pickled())
