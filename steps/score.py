"""score: a file of any size in, a prediction for each good row out."""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import mlflow
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from steps import console
from steps.answers import BAD_ROWS, answer, answer_schema
from steps.atomic import replacing
from steps.batches import Batch, column_types, read_batches
from steps.cells import check_types
from steps.errors import StepError
from steps.files import local_path, reading
from steps.folders import sha256_of
from steps.packaged import Packaged, load_packaged
from steps.parameters import convert
from steps.runs import launch, step_run

WRITERS = {".parquet": pq.ParquetWriter, ".csv": pa_csv.CSVWriter}


class Outputs(NamedTuple):
    """Where the answers go."""

    scores: Path
    bad: Path  # the rows without one


class Scored(NamedTuple):
    """What became of the rows of a file."""

    scored: int
    bad: int
    sha256: str  # of the answers' file

    def metrics(self) -> dict[str, float]:
        """Count all rows, those with an answer and those without."""
        rows = self.scored + self.bad
        return {"rows": rows, "scored_rows": self.scored, "bad_rows": self.bad}


def output_paths(output: str) -> Outputs:
    """Find where to write, before there is anything to write.

    Parameters
    ----------
    output : str
        A path that ends in ``.parquet`` or ``.csv``; a relative one is looked up in the current
        folder.

    Returns
    -------
    Outputs

    Raises
    ------
    StepError
        When nothing can be written there.
    """
    path = Path(output).expanduser().resolve()
    if "://" in output or path.suffix.lower() not in WRITERS:
        expected = " or ".join(WRITERS)
        raise StepError(f"output: expected a path ending in {expected}, got {output!r}")
    if path.is_dir():
        raise StepError(f"output: expected a file, found a folder at {path}")
    if not path.parent.is_dir():
        raise StepError(
            f"output: expected a folder at {path.parent}, found none; make it, or give an absolute "
            "path (a relative path is looked up in the project's folder, which for a run from a "
            "git URL is a fresh clone)"
        )
    return Outputs(path, path.with_name(f"{path.stem}.bad{path.suffix}"))


def write(packaged: Packaged, batches: Iterable[Batch], outputs: Outputs) -> Scored:
    """Write the answers to all batches; the files are there whole or not at all.

    Raises
    ------
    StepError
        When they cannot be written or read.
    """
    schema = answer_schema(packaged)
    open_writer = WRITERS[outputs.scores.suffix.lower()]
    n_scored = n_bad = 0
    with replacing(outputs.bad, outputs.scores) as (bad_file, scores_file):
        with (
            open_writer(str(scores_file.path), schema) as scores_writer,
            open_writer(str(bad_file.path), BAD_ROWS) as bad_writer,
        ):
            for batch in batches:
                scored, bad = answer(packaged, batch, schema)
                scores_writer.write(scored)
                bad_writer.write(bad)
                n_scored, n_bad = n_scored + scored.num_rows, n_bad + bad.num_rows
        bad_file.wanted = n_bad > 0
        return Scored(n_scored, n_bad, sha256_of(scores_file.path))


def score(packaged: Packaged, path: Path, data: str, outputs: Outputs) -> Scored:
    """Score a file.

    Parameters
    ----------
    packaged : Packaged
    path : Path
    data : str
        The name that the user gave it, with its ending.
    outputs : Outputs

    Returns
    -------
    Scored

    Raises
    ------
    StepError
        When it cannot be read or the answers cannot be written; then nothing is.
    """
    features = packaged.contract["features"]
    for output in outputs:
        if output.exists() and output.samefile(path):
            raise StepError(f"output: expected another file than the input, got {output}")
    with reading(data, "input"):
        check_types(column_types(path, data), features)
        batches = read_batches(path, data, [feature["name"] for feature in features])
    return write(packaged, _named(batches, data), outputs)


def _named(batches: Iterable[Batch], data: str) -> Iterable[Batch]:
    with reading(data, "input"):
        yield from batches


def run(declared: dict[str, str], further: dict[str, str]) -> Scored:
    """Run the step; returns how many rows were scored."""
    with step_run("score", declared) as active, TemporaryDirectory() as folder:
        params = convert("score", declared, further)
        outputs = output_paths(params["output"])
        path = local_path(params["input"], folder, "input")
        packaged = load_packaged(params["model_uri"])
        with console.progress(f"scoring {params['input']}"):
            sha256 = sha256_of(path)
            scored = score(packaged, path, params["input"], outputs)
        tags = {"model_uri": params["model_uri"], "input_sha256": sha256}
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
