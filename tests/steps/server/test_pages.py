import hashlib
import json

import fastjsonschema
import mlflow
import pytest

from tests.steps.server.conftest import ROW, records


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_a_living_server_says_so(server, path):
    assert (server.get(path).status, server.get(path).text) == (200, "\n")


def test_a_server_with_places_is_ready(server):
    assert (server.get("/ready").status, server.get("/ready").text) == (200, '{"status":"ready"}')


def test_the_version_names_the_model(server, artifact):
    version = json.loads(server.get("/version").text)
    assert version["mlflow_version"] == mlflow.__version__
    content = (artifact / "artifacts" / "pipeline.onnx").read_bytes()
    assert version["pipeline_sha256"] == hashlib.sha256(content).hexdigest()


def test_an_unknown_path_is_refused_with_the_known_ones(server):
    reply = server.get("/predict")
    assert reply.status == 404
    assert reply.message.startswith("expected one of /, /health, /invocations")


def test_a_path_with_a_slash_too_many_leads_nowhere(server):
    assert server.get("/version/").status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/invocations", "POST"), ("POST", "/version", "GET")]
)
def test_the_wrong_method_is_refused_with_the_right_one(server, method, path, allowed):
    reply = server.send(method, path, b"", {})
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert reply.message == f"{path}: expected {allowed}"


def schema(server):
    return json.loads(server.get("/openapi.json").text)


def resolved(server, name):
    """A validator of one of the schemas."""
    found = schema(server)
    return fastjsonschema.compile(
        {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
    )


def test_the_example_of_the_schema_is_answered_and_fits_it(server):
    content = schema(server)["paths"]["/invocations"]["post"]["requestBody"]["content"]
    example = content["application/json"]["example"]
    resolved(server, "Request")(example)
    assert len(server.ask(json.dumps(example)).predictions) == 5


@pytest.mark.parametrize(
    "request_body",
    [
        {"dataframe_records": [{"age": 1}]},
        {"dataframe_records": [ROW | {"age": "old"}]},
        {"dataframe_records": [ROW], "params": {"output": "label"}},
        {"dataframe_records": [ROW], "params": {"cutoff": 0.5}},
        {"rows": [ROW]},
    ],
)
def test_what_the_server_refuses_the_schema_refuses(server, request_body):
    assert server.ask(json.dumps(request_body)).status == 400
    with pytest.raises(fastjsonschema.JsonSchemaException):
        resolved(server, "Request")(request_body)


def test_an_answer_fits_the_schema(server):
    responses = schema(server)["paths"]["/invocations"]["post"]["responses"]
    check = fastjsonschema.compile(responses["200"]["content"]["application/json"]["schema"])
    for params in ({"output": "all"}, {"on_error": "null"}):
        check(
            {
                "predictions": server.ask(
                    records(ROW, ROW | {"age": None}, params=params)
                ).predictions
            }
        )
