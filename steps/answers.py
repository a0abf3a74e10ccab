"""A packaged model's answers to batches of rows."""

import pandas as pd
import pyarrow as pa

from steps.batches import Batch
from steps.cells import as_signed
from steps.packaged import Packaged

BAD_ROWS = pa.schema([("row", pa.int64()), ("error", pa.string())])


def answer_schema(packaged: Packaged) -> pa.Schema:
    """Read from an answer to no rows which columns there are to be, and of which types."""
    features = packaged.contract["features"]
    no_rows = pa.record_batch({feature["name"]: pa.nulls(0) for feature in features})
    frame, _ = as_signed(no_rows, features)
    answer = packaged.model.predict(frame, params={"output": "all"})
    schema = pa.Schema.from_pandas(answer, preserve_index=False).remove_metadata()
    texts = (pa.large_string(), pa.null())
    fields = [(f.name, pa.string() if f.type in texts else f.type) for f in schema]
    return pa.schema([("row", pa.int64()), *fields])


def answer(
    packaged: Packaged, batch: Batch, schema: pa.Schema
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Answer a batch.

    Parameters
    ----------
    packaged : Packaged
    batch : Batch
    schema : Schema
        Of the answers, as made by ``answer_schema``.

    Returns
    -------
    scored : RecordBatch
        One row for each good row of the batch.
    bad : RecordBatch
        One row for each other: where it stands and what is wrong with it.
    """
    problems = dict(batch.ragged)
    scored = schema.empty_table().to_pandas()
    if len(batch.rows):
        frame, no_numbers = as_signed(batch.cells, packaged.contract["features"])
        answers = packaged.model.predict(frame, params={"output": "all", "on_error": "null"})
        wrong = answers["error"].dropna().to_dict() | no_numbers
        for row, why in wrong.items():
            position = int(batch.rows[row])
            # the model counts from the first row that it is given
            problems[position] = why.replace(f", row {row}: ", f", row {position}: ", 1)
        scored = answers.assign(row=batch.rows).drop(index=list(wrong))
    bad = pd.DataFrame(sorted(problems.items()), columns=BAD_ROWS.names)
    return (
        pa.RecordBatch.from_pandas(scored, schema, preserve_index=False),
        pa.RecordBatch.from_pandas(bad, BAD_ROWS, preserve_index=False),
    )
