"""The schema of one model's requests and answers, in OpenAPI 3.1."""

from typing import Any

from custom_model.predictor import LARGEST, ON_ERROR, OUTPUTS
from steps.server.model import Model

NULLABLE: dict[str, dict[str, Any]] = {
    "numeric": {"type": ["number", "null"], "minimum": -LARGEST, "maximum": LARGEST},
    "boolean": {
        "enum": [True, False, 1, 0, "true", "false", "TRUE", "FALSE", "True", "False", None]
    },
    "categorical": {"type": ["string", "null"]},
    "datetime": {
        "type": ["string", "null"],
        "anyOf": [{"format": "date"}, {"format": "date-time"}, {"type": "null"}],
        "description": "ISO 8601 date or time",
    },
    "text": {"type": ["string", "null"]},
}
MOST_EXAMPLES = 50


def schema_of(model: Model) -> dict[str, Any]:
    """Describe the server of a model.

    Parameters
    ----------
    model : Model

    Returns
    -------
    dict
        JSON-ready; the example is a request that the model answers.
    """
    contract, version = model.contract, model.version
    name = version["model_name"] or contract["target"]
    refused = {"$ref": "#/components/responses/Refused"}
    body = {"schema": {"$ref": "#/components/schemas/Request"}, "example": model.example}
    operation = {
        "summary": f"Predict {contract['target']}",
        "operationId": "predict",
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"200": _answers(contract), "4XX": refused, "5XX": refused},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version["model_version"] or "unregistered"},
        "paths": {"/invocations": {"post": operation}},
        "components": {"schemas": _schemas(model), "responses": {"Refused": _refused()}},
    }


def _schemas(model: Model) -> dict[str, Any]:
    contract = model.contract
    names = [feature["name"] for feature in contract["features"]]
    row = {
        "type": "object",
        "properties": {feature["name"]: _cell(feature) for feature in contract["features"]},
        "required": names,
    }
    rows = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Row"}}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}, "example": names},
            "data": {"type": "array", "items": {"type": "array"}},
            "index": {"type": ["array", "null"]},
        },
        "required": ["columns", "data"],
        "additionalProperties": False,
    }
    column = {"type": "array"}
    columns = {"type": "object", "properties": dict.fromkeys(names, column), "required": names}
    forms = {
        "dataframe_records": rows,
        "dataframe_split": split,
        "instances": rows,
        "inputs": {"anyOf": [rows, columns]},
    }
    params = {"$ref": "#/components/schemas/Params"}
    request = {
        "oneOf": [
            {
                "type": "object",
                "properties": {form: schema, "params": params},
                "required": [form],
            }
            for form, schema in forms.items()
        ]
    }
    return {"Row": row, "Params": _params(model), "Request": request}


def _cell(feature: dict[str, Any]) -> dict[str, Any]:
    schema = dict(NULLABLE[feature["kind"]]) | {"x-kind": feature["kind"]}
    if feature["kind"] == "categorical":
        if feature["type"] == "double":
            schema["type"] = ["number", "null"]
        known = list(feature["categories"])[:MOST_EXAMPLES]
        schema["examples"] = [float(c) for c in known] if feature["type"] == "double" else known
    elif "minimum" in feature:
        schema["examples"] = [feature["minimum"], feature["maximum"]]
    return schema


def _params(model: Model) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "output": {"enum": list(OUTPUTS)},
        "strict": {"type": "boolean"},
        "on_error": {"enum": list(ON_ERROR)},
        "threshold": {"type": "number", "minimum": 0, "maximum": 1},
    }
    properties = {name: known[name] | {"default": value} for name, value in model.params.items()}
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _answers(contract: dict[str, Any]) -> dict[str, Any]:
    share = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    row = {
        "type": "object",
        "properties": {
            "prediction": {"enum": [*contract["classes"], None]},
            "probability": share,
            **{f"probability_{label}": share for label in contract["classes"]},
            "error": {"type": ["string", "null"]},
        },
    }
    schema = {
        "type": "object",
        "properties": {"predictions": {"type": "array", "items": row}},
        "required": ["predictions"],
    }
    content = {"application/json": {"schema": schema}}
    return {"description": "One answer for each row, in order", "content": content}


def _refused() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("error_code", "message")}
    schema = {"type": "object", "properties": texts, "required": list(texts)}
    return {"description": "Why not", "content": {"application/json": {"schema": schema}}}
