"""Where the model under service comes from, and when another takes its place."""

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path

from steps.errors import StepError, reason_of
from steps.server.app import App
from steps.server.model import Model, load

_logger = logging.getLogger("pyfunc_classifier")


class Source:
    """A model's URI, and the folder that its artifact was brought to.

    Parameters
    ----------
    model_uri : str
        A folder is served as it is; anything else is downloaded by MLflow.
    """

    def __init__(self, model_uri: str) -> None:
        self.model_uri = model_uri
        self._name, self._alias = _alias_in(model_uri)
        self._version = ""
        self._folder: Path | None = None

    @property
    def moves(self) -> bool:
        """Whether another version may take the place of this one: only an alias moves."""
        return bool(self._alias)

    def open(self) -> Model:
        """Load what the URI stands for now.

        Raises
        ------
        StepError
        """
        local = Path(self.model_uri.removeprefix("file://")).expanduser()
        if local.is_dir():
            return load(local.resolve())
        if "://" not in self.model_uri and ":/" not in self.model_uri:
            raise StepError(f"model_uri: expected a folder or a URI, found nothing at {local}")
        version = self._newest() if self.moves else ""
        uri = f"models:/{self._name}/{version}" if version else self.model_uri
        folder = Path(tempfile.mkdtemp(prefix="pyfunc-classifier-"))
        try:
            model = load(_download(uri, folder))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.close()
        self._folder, self._version = folder, version
        return model

    def changed(self) -> bool:
        """Ask whether the alias stands for another version by now."""
        return self._newest() != self._version

    def close(self) -> None:
        """Remove what was downloaded: what is loaded needs it no more."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _newest(self) -> str:
        from mlflow import MlflowClient

        try:
            return str(MlflowClient().get_model_version_by_alias(self._name, self._alias).version)
        except Exception as error:  # each store raises its own
            raise StepError(f"model_uri: {self.model_uri}: {reason_of(error)}") from error


def _alias_in(model_uri: str) -> tuple[str, str]:
    name, at, alias = model_uri.removeprefix("models:/").rpartition("@")
    return (name, alias) if model_uri.startswith("models:/") and at else ("", "")


def _download(uri: str, folder: Path) -> Path:
    import mlflow

    try:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
    except Exception as error:  # each store raises its own
        raise StepError(f"model_uri: cannot get {uri}: {reason_of(error)}") from error


async def follow(source: Source, app: App, seconds: float) -> None:
    """Replace the app's model when its alias moves; what fails leaves it as it is."""
    while True:
        await asyncio.sleep(seconds)
        try:
            if not await asyncio.to_thread(source.changed):
                continue
            app.replace(await asyncio.to_thread(source.open))
        except Exception as error:
            app.metrics.reloads.labels("failed").inc()
            _logger.warning("still serving %s: %s", app.model.version, reason_of(error))
        else:
            app.metrics.reloads.labels("loaded").inc()
            _logger.warning("now serving %s", app.model.version)
