"""The tests on every supported Python, and on the lowest and highest dependencies.

``uv run nox`` runs every session; a Python that is not there is skipped with a word. What follows
``--`` goes to pytest: ``uv run nox -s lowest -- tests/custom_model``.
"""

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Test what uv.lock holds for this Python."""
    _install(session)
    _test(session, *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Test the lowest versions that pyproject.toml allows."""
    _install(session, "--resolution", "lowest-direct")
    _test(session, *session.posargs)


@nox.session(python=PYTHONS[-1])
def highest(session: nox.Session) -> None:
    """Test the newest versions that resolve, and that they load what the lowest made."""
    _install(session, "--resolution", "highest")
    _test(session, *session.posargs)
    _test(session, "-m", "slow", "-n", "0", "tests/project/test_oldest.py")


def _install(session: nox.Session, *resolution: str) -> None:
    """Install uv.lock, then other versions of the dependencies if asked: the tools stay locked."""
    session.run_install("uv", "sync", "--locked")
    if resolution:
        session.install("--upgrade", *resolution, "-r", "pyproject.toml", "--extra", "signing")


def _test(session: nox.Session, *arguments: str) -> None:
    # `uv run` in the tests shall take this environment, and as it is
    session.run("pytest", *arguments, env={"UV_NO_SYNC": "1", "UV_PYTHON": None})
