# The locked environment; the project is laid over it.
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock /env/
RUN uv sync --project /env --locked --no-dev --no-cache --compile-bytecode
ENV PATH="/env/.venv/bin:$PATH"
