# Our own server. The list form of ENTRYPOINT starts no shell: SIGTERM reaches the server.
FROM registry.example.com/pyfunc-classifier-base:1
COPY . /app
WORKDIR /app
ENTRYPOINT ["python", "-m", "steps.serve", "--host=0.0.0.0", "--port=8000"]
