"""A PythonModel that answers without looking: what MLflow itself takes."""

from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class Constant(PythonModel):
    """The same answer to every row."""

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Answer with a fresh table, as a model does."""
        n_rows = len(model_input)
        return pd.DataFrame({"prediction": [1] * n_rows, "probability": [0.5] * n_rows})


mlflow.models.set_model(Constant())
