"""The HTTP server of a packaged model; nothing here imports MLflow before it must."""
