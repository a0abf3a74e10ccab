"""Spark as it is found: an existing session, or one by its usual configuration."""

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steps.errors import StepError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parent.parent


def check_spark() -> None:
    """Refuse an engine that is not installed.

    Raises
    ------
    StepError
        Saying what to install.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise StepError(
            "engine: spark needs pyspark, which is not installed; start with "
            "`uv run --extra spark mlflow run ...`, or pip install 'pyspark>=4'"
        )
    java = Path(os.environ.get("JAVA_HOME", ""), "bin", "java")
    if not os.environ.get("SPARK_REMOTE") and not java.exists() and not shutil.which("java"):
        raise StepError(
            "engine: spark needs Java 17 or later, found none; install one (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME"
        )


@contextmanager
def spark_session(name: str, packages: Sequence[str] = ()) -> Iterator["SparkSession"]:
    """Start Spark, or join the session at hand.

    Parameters
    ----------
    name : str
        Of the application.
    packages : sequence of str
        Of this project, which the executors are to have.
    """
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    before, on_interrupt = SparkSession.getActiveSession(), signal.getsignal(signal.SIGINT)
    spark = SparkSession.builder.appName(name).getOrCreate()
    signal.signal(signal.SIGINT, on_interrupt)  # Spark took it
    if not os.environ.get("SPARK_REMOTE"):  # a remote session has no context
        spark.sparkContext.setLogLevel("FATAL")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # pyspark does not know pandas 3 yet
        for package in packages:
            archive = shutil.make_archive(f"{folder}/{package}", "zip", ROOT, package)
            spark.sparkContext.addPyFile(archive)
        try:
            yield spark
        finally:
            if before is None:
                spark.stop()
