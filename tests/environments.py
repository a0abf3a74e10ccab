"""Whether the tests run in the environment that uv.lock describes: nox runs them in others."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from steps.lock import RUNTIME
from tests.conftest import ROOT
from tools.conda_yaml import PYTHON
from tools.locked import pins

HERE = [pin for pin in pins(ROOT, *RUNTIME) if pin.here]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


LOCKED = all(_installed(pin.name) == pin.version for pin in HERE)
of_the_lock = pytest.mark.skipif(
    not LOCKED, reason="installed are other versions than uv.lock pins"
)
of_conda = pytest.mark.skipif(
    ".".join(map(str, sys.version_info[:2])) != PYTHON, reason=f"conda.yaml is of Python {PYTHON}"
)


def apart_from_the_lock(said: str) -> str:
    """Drop what the steps must say in any environment but the lock's."""
    told = r"^warning: the artifact's packages are pinned without hashes: .*\n"
    return said if LOCKED else re.sub(told, "", said, flags=re.MULTILINE)
