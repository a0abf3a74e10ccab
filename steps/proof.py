"""The proof: the artifact in an environment of its own answers as the fitted pipeline does."""

import hashlib
import json
import shlex
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd

from steps import prover
from steps.errors import StepError, listed
from steps.export import TOLERANCE
from steps.isolation import Environment, make_environment, stop
from steps.judgement import score
from steps.real_server import Server, last_line, post, serving, wait_for
from steps.storage import Training

SERVER_ROWS = 1000


class Expected(NamedTuple):
    """The fitted pipeline's own answers."""

    classes: list[Any]
    labels: np.ndarray  # of shape (n_rows,), object
    probabilities: np.ndarray  # of shape (n_rows, n_classes)

    def difference(self, answers: dict[str, list], what: str) -> float:
        """Find the largest difference in a probability.

        Raises
        ------
        StepError
            Naming the rows whose label differs, or a probability by more than 1e-6.
        """
        columns = [answers[f"probability_{label}"] for label in self.classes]
        given = np.array(columns, dtype=float).T
        differences = np.abs(given - self.probabilities[: len(given)]).max(axis=1)
        labels = np.array(answers["prediction"], dtype=object)
        wrong = (labels != self.labels[: len(given)]) | ~(differences <= TOLERANCE)
        if wrong.any():
            raise StepError(
                f"the packaged artifact answers {wrong.sum()} of {len(wrong)} {what} unlike the "
                f"fitted pipeline (rows {listed(map(str, np.flatnonzero(wrong).tolist()))}; by up "
                f"to {np.nanmax(differences):.1e}); nothing is registered"
            )
        return float(differences.max(initial=0))


def expected_of(training: Training) -> Expected:
    """Answer the held-out rows with the fitted pipeline."""
    _, scored = score(training)
    classes = training.contract["classes"]
    return Expected(
        classes, np.array(classes, dtype=object)[scored.predicted], scored.probabilities
    )


def prove(model_uri: str, training: Training, verify_env: str) -> dict[str, Any]:
    """Prove an artifact in isolation: loaded there, and served there.

    Parameters
    ----------
    model_uri : str
    training : Training
        Whose held-out rows and pipeline tell what to answer.
    verify_env : str
        The environment manager.

    Returns
    -------
    dict
        JSON-ready: ``verify_env``, ``python``, ``environment_sha256``, ``packages``, ``rows``,
        ``server_rows``, ``max_difference`` and ``seconds``.

    Raises
    ------
    StepError
        When any answer differs, or there is none.
    """
    expected, start = expected_of(training), time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifact = Path(
            mlflow.artifacts.download_artifacts(model_uri, dst_path=str(folder / "artifact"))
        )
        shutil.copy(prover.__file__, folder / "prover.py")
        rows = _json_rows(training.signed())
        (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        environment = make_environment(artifact, verify_env)
        made = time.perf_counter()
        with serving(environment, artifact, folder) as server:  # starts while the other answers
            loaded, load_seconds = _answer_there(environment, artifact, folder, expected)
            answered = time.perf_counter()
            served = ask_server(server, artifact, rows, expected)
    return {
        "verify_env": verify_env,
        "python": environment.python,
        "environment_sha256": _sha256(environment),
        "packages": [f"{k}=={v}" for k, v in sorted(environment.packages.items())],
        "rows": len(expected.labels),
        "server_rows": min(len(expected.labels), SERVER_ROWS),
        "max_difference": max(loaded, served),
        "seconds": {
            "environment": round(made - start, 2),
            "load": round(load_seconds, 2),
            "answer": round(answered - made, 2),
            "server": round(time.perf_counter() - answered, 2),
        },
    }


def _json_rows(rows: pd.DataFrame) -> dict[str, list]:
    rows = rows.astype(object).where(rows.notna(), None)
    return {"columns": list(rows.columns), "data": rows.to_numpy().tolist()}


def _sha256(environment: Environment) -> str:
    text = json.dumps([environment.python, sorted(environment.packages.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def _answer_there(
    environment: Environment, artifact: Path, folder: Path, expected: Expected
) -> tuple[float, float]:
    log = folder / "prover.log"
    process = environment.start(f"python prover.py . {shlex.quote(str(artifact))}", folder, log)
    try:
        status = process.wait()
    finally:
        stop(process)
    if status:
        raise StepError(
            "the packaged artifact does not load and answer in its own environment: "
            f"{last_line(log)}; nothing is registered"
        )
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return (
        max(
            expected.difference(answers["held_out"], "held-out rows"),
            expected.difference(answers["input_example"], "rows of the input example"),
        ),
        answers["load_seconds"],
    )


def ask_server(server: Server, artifact: Path, rows: dict[str, list], expected: Expected) -> float:
    """Ask a scoring server for the first thousand held-out rows and for the input example.

    Returns
    -------
    float
        The largest difference in a probability.
    """
    example = json.loads((artifact / "serving_input_example.json").read_text(encoding="utf-8"))
    split = rows | {"data": rows["data"][:SERVER_ROWS]}
    params = {"params": {"output": "all"}}
    wait_for(server)
    return max(
        expected.difference(post(server, {"dataframe_split": split} | params), "rows served"),
        expected.difference(post(server, example | params), "served rows of the input example"),
    )
