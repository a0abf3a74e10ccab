"""Rows of cells from CSV and parquet."""

import io

from steps.server.errors import RequestError, check_names
from steps.server.formats import Rows


def read_csv(body: bytes, names: list[str]) -> Rows:
    """Read rows from CSV, all cells as texts or null."""
    import pandas as pd

    from steps.errors import StepError
    from steps.headers import read_header
    from steps.ragged import check_rows

    try:
        columns = read_header(io.BytesIO(body))
        check_rows(io.BytesIO(body), len(columns))
        check_names(columns, names)
        table = pd.read_csv(io.BytesIO(body), dtype=object, encoding="utf-8-sig", usecols=names)
    except (StepError, ValueError) as error:  # those of decoding and of pandas too
        reason = str(error).partition("\n")[0]
        raise RequestError(f"body: expected a table in CSV: {reason}") from None
    return table[names].to_numpy(dtype=object).tolist()


def read_parquet(body: bytes, names: list[str]) -> Rows:
    """Read rows from parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = pq.read_schema(io.BytesIO(body)).names
        check_names(columns, names)
        table = pq.read_table(io.BytesIO(body), columns=names).to_pandas()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise RequestError(f"body: expected a table in parquet: {reason}") from None
    return table[names].to_numpy(dtype=object).tolist()
