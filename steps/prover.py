"""Runs inside the artifact's own environment, far from this repository: load, answer, tell."""

import json
import sys
import time

import mlflow
import pandas as pd


def answer(folder: str, artifact: str) -> dict:
    """Answer the rows of ``rows.json`` and the input example with an artifact."""
    start = time.perf_counter()
    model = mlflow.pyfunc.load_model(artifact)
    loaded = time.perf_counter()
    with open(f"{folder}/rows.json", encoding="utf-8") as file:
        asked = json.load(file)
    rows = pd.DataFrame(asked["data"], columns=asked["columns"], dtype=object)
    schema = model.metadata.get_input_schema()
    rows = rows.astype({spec.name: float for spec in schema if spec.type.name == "double"})
    answers = model.predict(rows, params={"output": "all"})
    example = model.predict(model.input_example, params={"output": "all"})
    return {
        "held_out": answers.to_dict("list"),
        "input_example": example.to_dict("list"),
        "load_seconds": loaded - start,
    }


if __name__ == "__main__":
    with open(f"{sys.argv[1]}/answers.json", "w", encoding="utf-8") as file:
        json.dump(answer(*sys.argv[1:]), file)
