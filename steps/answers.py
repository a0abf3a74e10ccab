"""A packaged model's answers to batches of rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from steps.batches import Batch
from steps.cells import as_cells
from steps.errors import StepError
from steps.packaged import Packaged

ROW, ERROR = pa.field("row", pa.int64()), pa.field("error", pa.string())


class Schemas:
    """Which columns come out, and of which types.

    Parameters
    ----------
    packaged : Packaged
    ids : sequence of Field
        Of the columns that are carried over.

    Attributes
    ----------
    scores : Schema
    bad : Schema
        Of the rows without an answer.
    """

    def __init__(self, packaged: Packaged, ids: Sequence[pa.Field] = ()) -> None:
        predictor = packaged.predictor
        no_rows = np.empty((0, predictor.encoder.width), dtype=np.float32)
        answers = predictor.answer(no_rows, {}, predictor.params({"output": "all"}))
        fields = [pa.field(name, pa.array(cells).type) for name, cells in answers.items()]
        self._check([field.name for field in ids], [ROW, ERROR, *fields])
        self.scores = pa.schema([ROW, *ids, *fields])
        self.bad = pa.schema([ROW, *ids, ERROR])

    @staticmethod
    def _check(ids: list[str], own: list[pa.Field]) -> None:
        taken = [field.name for field in own if field.name in ids]
        if taken:
            raise StepError(
                f"id: expected columns of other names than the answers' own, got {taken}; rename "
                "them in the input"
            )


class Answered(NamedTuple):
    """What became of a batch."""

    scored: pa.RecordBatch  # a row for each good row
    bad: pa.RecordBatch  # a row for each other: where it stands and what is wrong with it
    share: float  # of the whole table that is read by now

    @property
    def n_rows(self) -> int:
        """Count all rows."""
        return self.scored.num_rows + self.bad.num_rows


def answer(packaged: Packaged, batch: Batch, schemas: Schemas) -> Answered:
    """Answer a batch.

    Parameters
    ----------
    packaged : Packaged
    batch : Batch
    schemas : Schemas

    Returns
    -------
    Answered
    """
    predictor = packaged.predictor
    cells, no_numbers = as_cells(batch.cells, packaged.contract["features"], packaged.code.Coded)
    matrix, wrong = predictor.encoder.encode_columns(cells, len(batch.rows))
    wrong |= no_numbers
    answers = predictor.answer(matrix, {}, predictor.params({"output": "all"}))
    rows = pa.array(batch.rows)
    columns = [rows, *_arrays(batch.ids), *map(pa.array, answers.values())]
    scored = pa.record_batch(columns, schema=schemas.scores)
    if wrong:
        good = np.ones(len(rows), dtype=bool)
        good[list(wrong)] = False
        scored = scored.filter(pa.array(good))
    return Answered(scored, _bad(batch, wrong, schemas.bad), batch.share)


def _arrays(table: pa.Table) -> list[pa.Array]:
    return [column.combine_chunks() for column in table.columns]


def _bad(batch: Batch, wrong: dict[int, str], schema: pa.Schema) -> pa.RecordBatch:
    reasons = dict(batch.ragged)
    for row, why in wrong.items():
        position = int(batch.rows[row])
        # the encoder counts from the first row that it is given
        reasons[position] = why.replace(f", row {row}: ", f", row {position}: ", 1)
    places = {int(batch.rows[row]): row for row in wrong}
    order = sorted(reasons)
    # a ragged row has no cells, and so no ids
    taken = pa.array([places.get(position) for position in order], pa.int64())
    ids = [column.take(taken) for column in _arrays(batch.ids)]
    errors = pa.array([reasons[position] for position in order], pa.string())
    return pa.record_batch([pa.array(order, pa.int64()), *ids, errors], schema=schema)
