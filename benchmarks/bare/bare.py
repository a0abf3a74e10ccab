"""What a plain script does with the same classifier: fit, log, register, set the alias."""

import sys

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NAME = "bare"
data, target, *pinned = sys.argv[1:]
# without them, MLflow loads the model in another process to see what it needs
requirements = ["cloudpickle", "numpy", "pandas", "scikit-learn"] if pinned else None

frame = pd.read_csv(data)
labels = frame.pop(target)
integers = frame.select_dtypes("integer").columns
frame = frame.astype(dict.fromkeys(integers, float))  # nulls may come later
rows, held_out, known, wanted = train_test_split(
    frame, labels, test_size=0.2, stratify=labels, random_state=42
)
categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
preprocessor = make_column_transformer(
    (categories, make_column_selector(dtype_exclude="number")), remainder="passthrough"
)
model = make_pipeline(preprocessor, HistGradientBoostingClassifier(random_state=42))

with mlflow.start_run():
    model.fit(rows, known)
    scores = model.predict_proba(held_out)
    mlflow.log_params(model[-1].get_params())
    mlflow.log_metrics(
        {
            "accuracy": accuracy_score(wanted, model.predict(held_out)),
            "roc_auc": roc_auc_score(wanted, scores, multi_class="ovr"),
            "log_loss": log_loss(wanted, scores),
        }
    )
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(held_out, scores),
        input_example=held_out.head(5),
        serialization_format="cloudpickle",
        pip_requirements=requirements,
        registered_model_name=NAME,
    )
MlflowClient().set_registered_model_alias(NAME, "champion", info.registered_model_version)
