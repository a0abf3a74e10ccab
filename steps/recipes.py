"""Recipes for a report: how to make a model again, and how to use it."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.entities import Run

from custom_model.classifiers import build_classifier
from steps.outage import without_password
from steps.parameters import parameters_of
from steps.uris import is_uri
from steps.usage import PORT

# the first says which run, the last ones change nothing of the model
NO_PART = {"run_id", "fresh", "signing_key"}
MOST_SPELLED = 1500  # characters of a row

PANDAS = """\
import mlflow
{imports}
model = mlflow.pyfunc.load_model({uri})
rows = {rows}
print(model.predict(rows, params={{"output": "all"}}))"""

SPARK = """\
import mlflow
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.getOrCreate()
table = spark.read.parquet("rows.parquet")  # your own
uri = {uri}
columns = [
    F.col(f"`{{column.name}}`").cast("double" if column.type.name == "double" else "string")
    .alias(column.name)
    for column in mlflow.models.get_model_info(uri).signature.inputs
]
predict = mlflow.pyfunc.spark_udf(spark, uri, env_manager="uv")
table.withColumn("answer", predict(F.struct(*columns))).show()"""


def reproduction(runs: Mapping[str, Run]) -> str:
    """Write the commands that make a model again.

    Parameters
    ----------
    runs : mapping of str to Run
        By step.

    Returns
    -------
    str
        Of a shell: the code of its commit, a check of the data, and the run with each parameter
        that is not at its default. Before them, as a comment, the one that does it all where the
        runs are at hand.
    """
    train = runs["train"]
    tags, params = train.data.tags, train.data.params
    commit = tags.get("git_commit") or tags.get("mlflow.source.git.commit", "")
    given = [
        f"-P {shlex.quote(f'{name}={without_password(value)}')}" for name, value in _changed(runs)
    ]
    source = tags.get("mlflow.source.name", "")
    fetched = bool(re.match(r"(https?|ssh|git)://|git@", source))
    project, manager = ".", "local"
    if fetched:
        project, manager = f"{without_password(source)} --version {commit}", "uv"
    run = f"{'' if fetched else 'uv run '}mlflow run {project} --env-manager {manager}"
    lines = [
        "# with the tracking store of these runs, one command does all this and compares answers:",
        f"# {run} -e reproduce -P run_id={train.info.run_id}",
    ]
    if tags.get("git_dirty") == "true":
        lines.append("# the files had changes that are in no commit: this may give another model")
    if commit and not fetched:
        lines.append(f"git checkout {commit}")
    if tags.get("data_sha256"):
        lines.append(_data_check(tags["data_sha256"], params.get("data", "")))
    return "\n".join([*lines, " ".join([run, *given])])


def usage(name: str, alias: str, contract: dict[str, Any], brief: bool = False) -> dict[str, str]:
    """Write the snippets that use a registered model.

    Parameters
    ----------
    name, alias : str
    contract : dict
    brief : bool
        Whether to take the artifact's own example rather than to spell a row out, as is done with
        a long row anyway.

    Returns
    -------
    dict of str to str
        By what they are for; none without a name or a contract.
    """
    if not (name and alias and contract):
        return {}
    uri, row = f"models:/{name}@{alias}", example_row(contract)
    request = json.dumps(
        {"dataframe_records": [row], "params": {"output": "all"}}, ensure_ascii=False
    )
    fetch, body = "", shlex.quote(request)
    rows, imports = f"pd.DataFrame([{row!r}])  # null is None", "import pandas as pd\n"
    if brief or len(request) > MOST_SPELLED:
        example = "serving_input_example.json"
        fetch = f"mlflow artifacts download -u {shlex.quote(f'{uri}/{example}')} -d .\n"
        body, rows, imports = f"@{example}", "model.input_example", ""
    return {
        "pandas": PANDAS.format(uri=json.dumps(uri), rows=rows, imports=imports),
        "Spark": SPARK.format(uri=json.dumps(uri)),
        "HTTP": (
            f"mlflow models serve -m {shlex.quote(uri)} --env-manager uv -p {PORT}\n{fetch}"
            f"curl -s http://127.0.0.1:{PORT}/invocations -H 'Content-Type: application/json' "
            f"-d {body}"
        ),
    }


def example_row(contract: dict[str, Any]) -> dict[str, Any]:
    """Make up a row of medians and most frequent categories: no person's data.

    Parameters
    ----------
    contract : dict

    Returns
    -------
    dict
        By feature name, in the types of the signature.
    """
    return {feature["name"]: _typical(feature) for feature in contract["features"]}


def _typical(feature: dict[str, Any]) -> Any:
    if feature["kind"] == "numeric":
        return float(f"{feature['center']:.6g}")
    if feature["kind"] == "categorical":  # the most frequent stands first
        return next(iter(feature["categories"]), None)
    return {"boolean": "true", "datetime": feature.get("maximum"), "text": "some words"}[
        feature["kind"]
    ]


def _data_check(sha256: str, data: str) -> str:
    if is_uri(data):
        return f"# {without_password(data)} has to have the SHA-256 {sha256}"
    return f"echo {shlex.quote(f'{sha256}  {data}')} | sha256sum --check"


def _changed(runs: Mapping[str, Run]) -> Iterator[tuple[str, str]]:
    """Give the parameters that are not at their defaults, and those of the classifier."""
    given = {name: value for run in runs.values() for name, value in run.data.params.items()}
    declared = parameters_of("main")
    for name, spec in declared.items():
        default = str(spec["default"])
        value = given.get(name, default)
        same = value.lower() == default.lower() if spec["type"] == "bool" else value == default
        if name not in NO_PART and not same:
            yield name, value
    trained = runs["train"].data.params
    for name, default in _defaults(trained.get("classifier", "")).items():
        seeded = name == "random_state" and trained.get(name) == trained.get("seed")
        if name not in declared and not seeded and trained.get(name, default) != default:
            yield name, trained[name]


def _defaults(classifier: str) -> dict[str, str]:
    try:
        params = build_classifier(classifier).get_params(deep=False)
    except ValueError:  # a class of another machine
        return {}
    # a forest is fitted by all cores and then set to one, see steps.fitting
    return {name: str(value) for name, value in params.items() if name != "n_jobs"}
