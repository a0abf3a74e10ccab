"""Scoring on Spark: ``mlflow.pyfunc.spark_udf`` over the same rows."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq

from steps.answers import Schemas
from steps.atomic_folders import replacing_folders
from steps.files import is_parquet
from steps.packaged import Packaged
from steps.score_local import Outputs, Scored, batches_of, checked_types, id_fields
from steps.sources import Source
from steps.spark_session import spark_session
from steps.spark_staging import ERROR, ROW, feature, given, may_read, stage

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

PARAMS = {"output": "all", "on_error": "null"}


def score(packaged: Packaged, source: Source, ids: Sequence[str], outputs: Outputs) -> Scored:
    """Score a table on Spark; see ``steps.score_local.score``.

    Parameters
    ----------
    packaged : Packaged
    source : Source
    ids : sequence of str
    outputs : Outputs
        Folders of parquet files, in the order that Spark gives them.

    Returns
    -------
    Scored
    """
    features = packaged.contract["features"]
    types = checked_types(source, features)
    schemas = Schemas(packaged, id_fields(ids, source, types))
    with (
        replacing_folders(outputs.bad, outputs.scores) as (work, bad, scores),
        spark_session("score") as spark,
    ):
        if may_read(types, features, source):
            rows = _read(spark, source, ids, features)
        else:
            stage(batches_of(source, features, ids), features, ids, work / "input")
            rows = spark.read.parquet(str(work / "input"))
        answers = _answered(_spread(spark, rows, source), spark, packaged, schemas, ids)
        answers.write.parquet(str(work / "answers"))
        answers = spark.read.parquet(str(work / "answers"))
        error = answers[schemas.bad.names[-1]]
        n_scored = _written(answers.where(error.isNull()), schemas.scores, scores)
        n_bad = _written(answers.where(error.isNotNull()), schemas.bad, bad)
        if not n_bad:
            bad.rename(work / "none")
        return Scored(n_scored, n_bad, "")


def _read(
    spark: "SparkSession", source: Source, ids: Sequence[str], features: list[dict[str, Any]]
) -> "DataFrame":
    """Let Spark read parquet files; a row's number is that in its file after those before it."""
    from pyspark.sql import functions as fn

    parts = []
    start = 0
    for part in source.parts:  # one by one: their columns may differ in order and in type
        frame = spark.read.parquet(str(part.path))
        parts.append(
            frame.select(
                (fn.col("_metadata.row_index") + start).alias(ROW),
                *(_column(frame, name).alias(given(i)) for i, name in enumerate(ids)),
                *(
                    _column(frame, found["name"])
                    .cast("double" if found["type"] == "double" else "string")
                    .alias(feature(i))
                    for i, found in enumerate(features)
                ),
                fn.lit(None).cast("string").alias(ERROR),
            )
        )
        start += pq.read_metadata(part.path).num_rows
    rows = parts[0]
    for further in parts[1:]:
        rows = rows.unionAll(further)
    return rows


def _column(frame: "DataFrame", name: str) -> "Column":
    return frame["`" + name.replace("`", "``") + "`"]


def _spread(spark: "SparkSession", rows: "DataFrame", source: Source) -> "DataFrame":
    """Give every core some rows: Spark cannot split a row group."""
    if not is_parquet(source.parts[0].data):
        return rows
    n_groups = sum(pq.read_metadata(part.path).num_row_groups for part in source.parts)
    try:
        n_cores = spark.sparkContext.defaultParallelism
    except Exception:  # a remote session does not tell
        return rows
    return rows if n_groups >= 2 * n_cores else rows.repartition(2 * n_cores)


def _answered(
    rows: "DataFrame",
    spark: "SparkSession",
    packaged: Packaged,
    schemas: Schemas,
    ids: Sequence[str],
) -> "DataFrame":
    from pyspark.sql import functions as fn

    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)  # on its choice of environment
    names = [found["name"] for found in packaged.contract["features"]]
    fields = list(schemas.scores)[1 + len(ids) :]
    predict = mlflow.pyfunc.spark_udf(
        spark, packaged.uri, result_type=_result_type(fields), env_manager="local", params=PARAMS
    )
    cells = fn.struct(*(fn.col(feature(i)).alias(name) for i, name in enumerate(names)))
    answered = rows.withColumn("answer", predict(cells))
    answer = fn.col("answer")
    error = answer.getField("error")
    # the model counts from the first row that it is given
    counted = fn.regexp_replace(
        error,
        fn.lit("^(column .*?, row )[0-9]+: "),
        fn.concat(fn.lit("$1"), fn.col(ROW).cast("string"), fn.lit(": ")),
    )
    why = fn.when(error.startswith("column "), counted)  # MLflow makes a text of None
    return answered.select(
        fn.col(ROW).alias("row"),
        *(fn.col(given(i)).alias(name) for i, name in enumerate(ids)),
        *(answer.getField(f.name).try_cast(_named(f.type)).alias(f.name) for f in fields),
        fn.coalesce(fn.col(ERROR), why).alias("error"),
    )


def _result_type(fields: list[pa.Field]) -> Any:
    """Type the answers such that MLflow can put nulls: whole numbers are texts on the way."""
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    return StructType(
        [
            *(
                StructField(f.name, DoubleType() if pa.types.is_floating(f.type) else StringType())
                for f in fields
            ),
            StructField("error", StringType()),
        ]
    )


def _named(type_: pa.DataType) -> str:
    if pa.types.is_floating(type_):
        return "double"
    if pa.types.is_boolean(type_):
        return "boolean"
    return "bigint" if pa.types.is_integer(type_) else "string"


def _written(rows: "DataFrame", schema: pa.Schema, folder: Path) -> int:
    quoted = [f"`{name.replace('`', '``')}`" for name in schema.names]
    rows.select(*quoted).write.parquet(str(folder))
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))
