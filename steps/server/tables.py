"""Rows of cells from CSV and parquet."""

import io

from steps.server.errors import RequestError, check_count, check_names, check_once
from steps.server.formats import Rows


def read_csv(body: bytes, names: list[str], max_rows: int) -> Rows:
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
    check_count(len(table), max_rows)
    return table[names].to_numpy(dtype=object).tolist()


def read_parquet(body: bytes, names: list[str], max_rows: int) -> Rows:
    """Read rows from parquet, which may hold many more than its bytes let expect."""
    import pyarrow.parquet as pq

    try:
        columns = pq.read_schema(io.BytesIO(body)).names
        check_names(columns, names)
        check_once(columns, names)
        file = pq.ParquetFile(io.BytesIO(body), read_dictionary=names)
        groups = range(file.num_row_groups)
        check_count(sum(file.metadata.row_group(group).num_rows for group in groups), max_rows)
        # what pandas noted of its index would take columns away
        table = file.read(columns=names).to_pandas(ignore_metadata=True)
    except RequestError:
        raise
    except Exception as error:  # a file that is damaged raises all kinds
        reason = str(error).partition("\n")[0]
        raise RequestError(f"body: expected a table in parquet: {reason:.200}") from None
    return table[names].to_numpy(dtype=object).tolist()
