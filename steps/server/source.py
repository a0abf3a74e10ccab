"""Where the model under service comes from, and when another takes its place."""

import asyncio
import logging
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from steps.errors import StepError, reason_of
from steps.server.app import App
from steps.server.model import Model, load

Result = TypeVar("Result")

_logger = logging.getLogger("pyfunc_classifier")


class Source:
    """A model's URI, and the version that it stood for when last it was loaded.

    Parameters
    ----------
    model_uri : str
        A folder is served as it is; anything else is downloaded by MLflow.
    """

    def __init__(self, model_uri: str) -> None:
        self.model_uri = model_uri
        self._name, self._alias = _alias_in(model_uri)
        self._version = ""

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
        with tempfile.TemporaryDirectory(prefix="pyfunc-classifier-") as folder:
            model = load(_download(uri, Path(folder)))  # that needs its files no more
        self._version = version
        return model

    def changed(self) -> bool:
        """Ask whether the alias stands for another version by now."""
        return self._newest() != self._version

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


def _aside(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Run in a thread that the end waits not for: MLflow asks a lost registry for minutes."""
    future: Future[Result] = Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(future)


async def follow(source: Source, app: App, seconds: float) -> None:
    """Replace the app's model when its alias moves; what fails leaves it as it is."""
    while True:
        await asyncio.sleep(seconds)
        try:
            if not await _aside(source.changed):
                continue
            app.replace(await _aside(source.open))
        except Exception as error:
            app.metrics.reloads.labels("failed").inc()
            _logger.warning("still serving %s: %s", app.model.version, reason_of(error))
        else:
            app.metrics.reloads.labels("loaded").inc()
            _logger.warning("now serving %s", app.model.version)
