"""The commands that use a registered model, ready to copy and true for this machine."""

import json
import os
import shlex

import mlflow
import pandas as pd

PORT = 5001  # the UI has 5000


def commands(model_name: str, alias: str, row: pd.DataFrame) -> str:
    """Write the commands that serve, ask, load and show a registered model.

    Parameters
    ----------
    model_name, alias : str
    row : DataFrame of one row
        For the request.

    Returns
    -------
    str
        Several lines; each command stands on a line of its own.
    """
    uri = f"models:/{model_name}@{alias}"
    request = {"dataframe_split": json.loads(row.to_json(orient="split", date_format="iso"))}
    del request["dataframe_split"]["index"]
    python = (
        f"import mlflow; model = mlflow.pyfunc.load_model({json.dumps(uri)}); "
        "print(model.predict(model.input_example))"
    )
    store = mlflow.get_tracking_uri()
    local = store.startswith("sqlite:")
    prefix = "uv run " if "UV_RUN_RECURSION_DEPTH" in os.environ else ""
    backend = f" --backend-store-uri {shlex.quote(store)}" if local else ""
    lines = {
        "find the model from any folder": f"export MLFLOW_TRACKING_URI={shlex.quote(store)}",
        "serve it": f"{prefix}mlflow models serve -m {shlex.quote(uri)} --env-manager uv -p {PORT}",
        "ask it": (
            f"curl -s http://127.0.0.1:{PORT}/invocations -H 'Content-Type: application/json' "
            f"-d {shlex.quote(json.dumps(request, ensure_ascii=False))}"
        ),
        "load it": f"{prefix}python -c {shlex.quote(python)}",
        "see the runs": f"{prefix}mlflow ui{backend}",
    }
    if not local:  # the user set it, and it may hold a password
        del lines["find the model from any folder"], lines["see the runs"]
    return "\n" + "\n".join(f"# {what}\n{command}" for what, command in lines.items())
