import subprocess
import sys
from importlib.metadata import version

import cloudpickle
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from steps.environment import requirements


def test_a_graph_needs_the_skinny_client_and_the_runtime_only():
    assert requirements("pipeline.onnx", b"") == [
        f"{name}=={version(name)}" for name in ("mlflow-skinny", "numpy", "onnxruntime", "pandas")
    ]


def test_a_pickle_needs_the_packages_that_it_names():
    pinned = requirements(
        "pipeline.pkl", cloudpickle.dumps([XGBClassifier(), LogisticRegression()])
    )
    assert f"xgboost-cpu=={version('xgboost-cpu')}" in pinned
    assert f"scikit-learn=={version('scikit-learn')}" in pinned


def test_nothing_of_the_repository_is_a_requirement():
    code = (
        "from steps.environment import requirements; from steps.storage import pickled;"
        "from custom_model.preprocessing import build_preprocessor;"
        "print(requirements('pipeline.pkl', pickled(build_preprocessor)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "custom" not in out.stdout
    assert "pytest" not in out.stdout
