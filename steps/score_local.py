"""Scoring on this machine: batch after batch through the artifact's own predictor."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from custom_model.predictor import usable_cores
from steps.answers import Answered, Schemas, answer
from steps.atomic import replacing
from steps.batches import Batches, evened, one_after_other, read_batches
from steps.cells import check_types
from steps.errors import StepError
from steps.files import reading
from steps.folders import sha256_of
from steps.packaged import Packaged
from steps.progress import shown
from steps.sources import Part, Source, types_of


class Outputs(NamedTuple):
    """Where the answers go."""

    scores: Path
    bad: Path  # the rows without one


class Scored(NamedTuple):
    """What became of the rows of a table."""

    scored: int
    bad: int
    sha256: str  # of the answers' file; empty for a folder

    def metrics(self) -> dict[str, float]:
        """Count all rows, those with an answer and those without."""
        rows = self.scored + self.bad
        return {"rows": rows, "scored_rows": self.scored, "bad_rows": self.bad}


def score(packaged: Packaged, source: Source, ids: Sequence[str], outputs: Outputs) -> Scored:
    """Score a table.

    Parameters
    ----------
    packaged : Packaged
    source : Source
    ids : sequence of str
        Columns that are carried over.
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
    types = checked_types(source, features)
    schemas = Schemas(packaged, id_fields(ids, source, types))
    batches = batches_of(source, features, ids)
    return _write(packaged, batches, schemas, outputs, f"scoring {source.data}")


def check_apart(source: Source, outputs: Outputs) -> None:
    """Refuse to write over what is read."""
    for output in outputs:
        if any(output.exists() and output.samefile(part.path) for part in source.parts):
            raise StepError(f"output: expected another file than the input, got {output}")
    if source.is_folder and outputs.scores.parent.samefile(source.parts[0].path.parent):
        raise StepError(
            f"output: expected a file outside the input's folder, got {outputs.scores}; the next "
            "run would read it"
        )


def id_fields(
    ids: Sequence[str], source: Source, types: list[dict[str, pa.DataType]]
) -> list[pa.Field]:
    """Tell the types of the columns that are carried over.

    Parameters
    ----------
    ids : sequence of str
    source : Source
    types : list of dict of str to DataType
        Of each file's columns.

    Raises
    ------
    StepError
        When one is missing, or is not of the same type in all files.
    """
    missing = [name for name in ids if name not in types[0]]
    if missing:
        raise StepError(f"id: expected columns of {source.data}, got {missing}, which it lacks")
    fields = []
    for name in ids:
        kinds = {_value_type(found[name]) for found in types}
        if len(kinds) > 1:
            raise StepError(
                f"id: expected column {name!r} to be of one type in all files, got "
                f"{', '.join(sorted(map(str, kinds)))}"
            )
        fields.append(pa.field(name, kinds.pop()))
    return fields


def _value_type(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def checked_types(source: Source, features: list[dict[str, Any]]) -> list[dict[str, pa.DataType]]:
    """Read the columns of every file, all of which must hold the features; see ``check_types``."""
    types = types_of(source)
    for part, found in zip(source.parts, types, strict=True):
        with reading(part.data, "input"):
            check_types(found, features)
    return types


def batches_of(source: Source, features: list[dict[str, Any]], ids: Sequence[str]) -> Batches:
    """Read a table in batches; see ``read_batches`` and ``evened``."""
    columns = [feature["name"] for feature in features]
    coded = [f["name"] for f in features if f["type"] != "double" and f["kind"] != "text"]
    files = {part.path: _named(part, columns, coded, ids) for part in source.parts}
    return evened(one_after_other(files))


def _named(part: Part, columns: list[str], coded: list[str], ids: Sequence[str]) -> Batches:
    with reading(part.data, "input"):
        yield from read_batches(part.path, part.data, columns, coded, ids)


def _write(
    packaged: Packaged, batches: Batches, schemas: Schemas, outputs: Outputs, doing: str
) -> Scored:
    """Write the answers to all batches; the files are there whole or not at all."""
    n_scored = n_bad = 0
    with replacing(outputs.bad, outputs.scores) as (bad_file, scores_file):
        with (
            open_writer(scores_file.path, outputs.scores.suffix, schemas.scores) as scores_writer,
            open_writer(bad_file.path, outputs.bad.suffix, schemas.bad) as bad_writer,
        ):
            for answered in shown(doing, _in_order(packaged, batches, schemas)):
                scores_writer.write(answered.scored)
                bad_writer.write(answered.bad)
                n_scored += answered.scored.num_rows
                n_bad += answered.bad.num_rows
        bad_file.wanted = n_bad > 0
        return Scored(n_scored, n_bad, sha256_of(scores_file.path))


def open_writer(path: Path, suffix: str, schema: pa.Schema) -> Any:
    """Open a file for record batches.

    Parameters
    ----------
    path : Path
    suffix : str
        ``.parquet`` or ``.csv``.
    schema : Schema

    Returns
    -------
    ParquetWriter or CSVWriter
    """
    if suffix.lower() == ".csv":
        return pa_csv.CSVWriter(str(path), schema)
    # hardly a number comes twice: a dictionary of them would be built in vain
    texts = [field.name for field in schema if not pa.types.is_primitive(field.type)]
    return pq.ParquetWriter(str(path), schema, use_dictionary=texts)


def _in_order(packaged: Packaged, batches: Batches, schemas: Schemas) -> Iterator[Answered]:
    """Answer batches on all cores, with a few of them in memory at a time."""
    # a pickled pipeline has threads of its own, and may not bear several callers
    n_threads = usable_cores() if packaged.is_graph else 1
    answered = partial(answer, packaged, schemas=schemas)
    with ThreadPoolExecutor(n_threads) as threads:
        waiting: deque[Any] = deque()
        try:
            for batch in batches:
                waiting.append(threads.submit(answered, batch))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
