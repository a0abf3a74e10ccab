"""The graph without the contract's checks: what the hand-written peers share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


class Graph:
    """An artifact's graph, asked without a look at what comes in.

    Parameters
    ----------
    artifact : str
        Folder of the artifact.
    """

    def __init__(self, artifact: str) -> None:
        files = Path(artifact, "artifacts")
        contract = json.loads((files / "contract.json").read_bytes())
        self.features = [
            (feature["name"], feature.get("categories"), feature.get("center"))
            for feature in contract["features"]
        ]
        self.classes = contract["classes"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # as ours: for one row, more only get in the way
        self.session = onnxruntime.InferenceSession(files / "pipeline.onnx", options)

    def answer(self, split: dict[str, Any]) -> dict[str, Any]:
        """Answer rows in the form of ``dataframe_split``."""
        matrix = []
        for cells in split["data"]:
            row = dict(zip(split["columns"], cells, strict=False))
            matrix.append([self._code(row[name], *rest) for name, *rest in self.features])
        inputs = {"features": np.array(matrix, dtype=np.float32)}
        scores = self.session.run(["probabilities"], inputs)[0].tolist()
        return {"predictions": [self._labelled(row) for row in scores]}

    def _code(self, cell: Any, codes: dict[str, int] | None, center: float | None) -> float:
        if codes is not None:
            return len(codes) if cell is None else codes.get(cell, len(codes) + 1)
        return float("nan") if cell is None else cell - center

    def _labelled(self, scores: list[float]) -> dict[str, Any]:
        probability = max(scores)
        return {
            "prediction": self.classes[scores.index(probability)],
            "probability": probability,
        }
