"""FastAPI and onnxruntime by hand, without any validation: ``fastapi_onnx.py ARTIFACT PORT``."""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from rows import Graph

app = FastAPI()
graph = Graph(sys.argv[1])


@app.post("/invocations")
async def invocations(request: Request) -> JSONResponse:
    """Answer rows."""
    body = await request.json()
    return JSONResponse(graph.answer(body["dataframe_split"]))


if __name__ == "__main__":
    options = {"loop": "uvloop", "http": "httptools", "access_log": False, "log_level": "warning"}
    uvicorn.run(app, port=int(sys.argv[2]), **options)
