"""score: a table of any size in, a prediction for each good row out."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow

from steps import console, score_local
from steps.errors import StepError
from steps.packaged import Packaged, load_packaged
from steps.parameters import convert, names_in, one_of
from steps.runs import launch, step_run
from steps.score_local import Outputs, Scored, check_apart
from steps.sources import Source, find_source
from steps.spark_session import check_spark

ENDINGS = {"local": (".parquet", ".csv"), "spark": (".parquet",)}  # by engine


def output_paths(output: str, engine: str) -> Outputs:
    """Find where to write, before there is anything to write.

    Parameters
    ----------
    output : str
        A path that ends in ``.parquet`` or ``.csv``; a relative one is looked up in the current
        folder. Spark makes a folder of parquet files.
    engine : str

    Returns
    -------
    Outputs

    Raises
    ------
    StepError
        When nothing can be written there.
    """
    path = Path(output).expanduser().resolve()
    endings = ENDINGS[engine]
    if "://" in output or path.suffix.lower() not in endings:
        expected = " or ".join(endings)
        raise StepError(f"output: expected a path ending in {expected}, got {output!r}")
    if path.is_dir() and engine == "local":
        raise StepError(f"output: expected a file, found a folder at {path}")
    if not path.parent.is_dir():
        raise StepError(
            f"output: expected a folder at {path.parent}, found none; make it, or give an absolute "
            "path (a relative path is looked up in the project's folder, which for a run from a "
            "git URL is a fresh clone)"
        )
    return Outputs(path, path.with_name(f"{path.stem}.bad{path.suffix}"))


def engine(name: str) -> Callable[[Packaged, Source, list[str], Outputs], Scored]:
    """Find what scores: this machine, or Spark.

    Raises
    ------
    StepError
        When Spark is not installed.
    """
    if name == "local":
        return score_local.score
    check_spark()
    from steps import spark_score

    return spark_score.score


def run(declared: dict[str, str], further: dict[str, str]) -> Scored:
    """Run the step; returns how many rows were scored."""
    with step_run("score", declared) as active, TemporaryDirectory() as folder:
        params = convert("score", declared, further)
        one_of("engine", params["engine"], ENDINGS)
        outputs = output_paths(params["output"], params["engine"])
        score = engine(params["engine"])
        ids = list(dict.fromkeys(names_in(params["id"])))
        source = find_source(params["input"], folder)
        packaged = load_packaged(params["model_uri"])
        with console.progress(f"hashing {params['input']}"):
            sha256 = source.sha256()
        check_apart(source, outputs)
        scored = score(packaged, source, ids, outputs)
        tags = {"model_uri": params["model_uri"], "input_sha256": sha256}
        if scored.sha256:
            tags["output_sha256"] = scored.sha256
        if packaged.version:
            tags |= {"model_name": packaged.name, "model_version": packaged.version}
        mlflow.set_tags(tags)
        mlflow.log_metrics(scored.metrics())
        lines = summary(scored, packaged, outputs)
        console.table("score", lines | {"run": active.info.run_id})
        return scored


def summary(scored: Scored, packaged: Packaged, outputs: Outputs) -> dict[str, Any]:
    """Sum up a scoring in a few lines."""
    lines: dict[str, Any] = dict(scored.metrics())
    if packaged.version:
        lines["model"] = f"{packaged.name} version {packaged.version}"
    lines["output"] = outputs.scores
    return lines | ({"bad rows in": outputs.bad} if scored.bad else {})


if __name__ == "__main__":
    sys.exit(launch("score", run))
