"""BentoML and onnxruntime, of the folder in ARTIFACT: ``bentoml serve bento:Customers``."""

import os
from typing import Any

import bentoml
from rows import Graph


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Customers:
    """Labels and their probabilities."""

    def __init__(self) -> None:
        self.graph = Graph(os.environ["ARTIFACT"])

    @bentoml.api(route="/invocations")
    async def invocations(self, dataframe_split: dict[str, Any]) -> dict[str, Any]:
        """Answer rows."""
        return self.graph.answer(dataframe_split)
