"""A packaged model, loaded from its folder without MLflow, and its answers as JSON."""

import hashlib
import json
import logging
import sys
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import numpy as np
import yaml

from steps.errors import StepError
from steps.server.errors import RequestError
from steps.server.formats import Rows
from steps.server.requests import JSON, Query, read_query

MANY_ROWS = 256  # from here on columns are read faster than rows

_encode = msgspec.json.Encoder().encode
_logger = logging.getLogger("pyfunc_classifier")


class Answer(NamedTuple):
    """What a query gets."""

    body: bytes  # JSON
    matrix: np.ndarray  # the encoded rows, of shape (n_rows, n_encoded)


@dataclass(frozen=True)
class Model:
    """One version of a model, loaded."""

    code: ModuleType  # the artifact's own
    predictor: Any
    version: dict[str, str | None]  # what it is called
    example: dict[str, Any]  # a request

    @property
    def contract(self) -> dict[str, Any]:
        """What a valid row is."""
        return self.predictor.contract

    @cached_property
    def params(self) -> dict[str, Any]:
        """The params that this model knows, with their defaults."""
        defaults = self.predictor.params({})
        return {name: value for name, value in defaults.items() if value is not None}

    @cached_property
    def _numeric(self) -> list[int]:
        features = enumerate(self.contract["features"])
        return [place for place, feature in features if feature["type"] == "double"]

    def respond(self, body: bytes, content_type: str, max_rows: int) -> Answer:
        """Answer the body of a request.

        Raises
        ------
        RequestError
            For what the caller can mend, and with status 500 for a fault of ours.
        """
        query = read_query(body, content_type, self.predictor.encoder.names, max_rows)
        unknown = [name for name in query.params if name not in self.params]
        if unknown:
            raise RequestError(
                f"params: expected some of {list(self.params)}, got {unknown!r:.200}"
            )
        try:
            return self._answer(query)
        except self.code.InputError as error:
            raise RequestError(str(error)) from None
        except RecursionError:  # to quote the cell
            raise RequestError("body: nested too deeply") from None
        except (Exception, SystemExit) as error:  # an exit would end the server
            fault = uuid.uuid4().hex[:12]
            _logger.exception("prediction failed, id %s", fault)
            raise RequestError(
                f"the model failed on this input; id {fault} in the server's log", 500
            ) from error

    def _answer(self, query: Query) -> Answer:
        params = self.predictor.params(query.params)
        matrix, problems = self._encode(query.rows, params["strict"])
        if problems:
            matrix, problems = self._encode(self._as_numbers(query.rows), params["strict"])
        columns = self.predictor.answer(matrix, problems, params)
        names, cells = list(columns), [values.tolist() for values in columns.values()]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        return Answer(_encode({"predictions": rows}), matrix)

    def _encode(self, rows: Rows, strict: bool) -> tuple[np.ndarray, dict[int, str]]:
        encoder = self.predictor.encoder
        if len(rows) < MANY_ROWS:
            return encoder.encode_rows(rows, strict)
        cells = map(list, zip(*rows, strict=True))
        return encoder.encode_columns(
            dict(zip(encoder.names, cells, strict=True)), len(rows), strict
        )

    def _as_numbers(self, rows: Rows) -> Rows:
        """Read texts and booleans in columns of numbers as MLflow does: "40" as 40, true as 1."""
        copied = [list(row) for row in rows]
        for row in copied:
            for place in self._numeric:
                if isinstance(row[place], str | bool):
                    row[place] = _number(row[place])
        return copied


def _number(cell: str | bool) -> Any:
    try:
        return float(cell)
    except ValueError:  # for the contract to refuse
        return cell


def load(folder: Path) -> Model:
    """Load a packaged model.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Model

    Raises
    ------
    StepError
        When it is none, or altered, or cannot be loaded here.
    """
    try:
        metadata = _yaml(folder / "MLmodel")
        flavor = metadata["flavors"]["python_function"]
        paths = {name: folder / entry["path"] for name, entry in flavor["artifacts"].items()}
        files = {name: path.read_bytes() for name, path in paths.items()}
        code = files["predictor"]
        digests = flavor["config"]["sha256"]
        asked = (folder / "serving_input_example.json").read_bytes()
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise StepError(
            f"model_uri: expected a model that this project packaged, got {folder} "
            f"({type(error).__name__}: {error}); package it again, or use mlflow models serve"
        ) from error
    for name, digest in digests.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise StepError(f"model_uri: {paths[name]} was altered after packaging; get it anew")
    module = ModuleType("predictor")  # its own: another version may be loaded beside it
    exec(compile(code, str(paths["predictor"]), "exec"), vars(module))
    try:
        predictor = module.load(files["contract"], files["pipeline"])
    except (RuntimeError, ImportError) as error:
        raise StepError(f"model_uri: {folder} cannot be loaded here: {error}") from error
    example = json.loads(asked, parse_constant=lambda name: None)
    model = Model(module, predictor, _version(folder, metadata), example)
    model.respond(json.dumps(example).encode(), JSON, max_rows=sys.maxsize)  # warm from the start
    return model


def _version(folder: Path, metadata: dict[str, Any]) -> dict[str, str | None]:
    meta = folder / "registered_model_meta"
    registered = _yaml(meta) if meta.exists() else {}
    version = registered.get("model_version")
    return {
        "model_name": registered.get("model_name"),
        "model_version": None if version is None else str(version),
        "model_id": metadata.get("model_id"),
        "run_id": metadata.get("run_id"),
        "mlflow_version": metadata.get("mlflow_version"),
        "pipeline_sha256": metadata["flavors"]["python_function"]["config"]["sha256"]["pipeline"],
    }


def _yaml(path: Path) -> dict[str, Any]:
    # in C ten times as fast, where there is C
    return yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
