"""FastAPI with a constant answer, the floor: ``fastapi_constant.py ARTIFACT PORT``."""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

app = FastAPI()


@app.post("/invocations")
async def invocations(request: Request) -> JSONResponse:
    """Answer without looking."""
    await request.body()
    return JSONResponse({"predictions": [{"prediction": 1, "probability": 0.5}]})


if __name__ == "__main__":
    options = {"loop": "uvloop", "http": "httptools", "access_log": False, "log_level": "warning"}
    uvicorn.run(app, port=int(sys.argv[2]), **options)
