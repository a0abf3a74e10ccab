"""Whether the tests run in the environment that uv.lock describes: nox runs them in others."""

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


of_the_lock = pytest.mark.skipif(
    any(_installed(pin.name) != pin.version for pin in HERE),
    reason="installed are other versions than uv.lock pins",
)
of_conda = pytest.mark.skipif(
    ".".join(map(str, sys.version_info[:2])) != PYTHON, reason=f"conda.yaml is of Python {PYTHON}"
)
