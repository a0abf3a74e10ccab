"""All that some runs hold, read back through MlflowClient."""

import functools
import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient


class Record:
    """All that some runs hold, as one."""

    def __init__(self, client: MlflowClient, run_ids: list[str], model_name: str = "") -> None:
        self.model_name = model_name
        self.client = client
        self.runs = [client.get_run(run_id) for run_id in run_ids]
        self.metrics = {k: v for run in self.runs for k, v in run.data.metrics.items()}
        self.params = {k: v for run in self.runs for k, v in run.data.params.items()}
        self.tags = {k: v for run in self.runs for k, v in run.data.tags.items()}
        self.inputs = {
            next(tag.value for tag in one.tags if tag.key == "mlflow.data.context"): one
            for run in self.runs
            for one in run.inputs.dataset_inputs
        }
        self.models = {
            model.name: model
            for model in client.search_logged_models([self.runs[0].info.experiment_id])
            if model.source_run_id in run_ids
        }

    @functools.cached_property
    def artifacts(self) -> dict[str, str]:
        """The run of every artifact, by its path."""
        return {path: run.info.run_id for run in self.runs for path in self._paths(run, None)}

    def _paths(self, run: Any, folder: str | None) -> list[str]:
        found = self.client.list_artifacts(run.info.run_id, folder)
        below = [path for one in found if one.is_dir for path in self._paths(run, one.path)]
        return [one.path for one in found if not one.is_dir] + below

    @functools.cache  # noqa: B019
    def path(self, artifact: str) -> Path:
        """A copy of the artifact of this path, else of one that ends so; else what is not there."""
        for fits in (str.__eq__, str.endswith):
            for found, run_id in self.artifacts.items():
                if fits(found, artifact):
                    return Path(self.client.download_artifacts(run_id, found))
        return Path("/nowhere")

    def json(self, artifact: str) -> Any:
        return json.loads(self.path(artifact).read_text(encoding="utf-8"))

    def table(self, artifact: str) -> pd.DataFrame:
        found = self.json(artifact)
        return pd.DataFrame(found["data"], columns=found["columns"])

    def has(self, *artifacts: str) -> bool:
        return all(self.path(artifact).exists() for artifact in artifacts)

    def steps_of(self, metric: str) -> list[float]:
        run = next((run for run in self.runs if metric in run.data.metrics), None)
        history = self.client.get_metric_history(run.info.run_id, metric) if run else []
        return [entry.value for entry in sorted(history, key=lambda entry: entry.step)]

    def model(self, *names: str) -> Any:
        return next(self.models[name] for name in names if name in self.models)

    @property
    def version(self) -> Any:
        try:
            return self.client.get_model_version_by_alias(self.model_name, "champion")
        except mlflow.MlflowException:
            return None
