"""A real Chromium, where there is one."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@contextmanager
def browser() -> Iterator[Any]:
    """Start Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(_starts, filter(None, map(shutil.which, NAMES))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH and starts")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=QUIET)
        try:
            yield chromium
        finally:
            chromium.close()


def _starts(path: str) -> bool:
    # some distributions put a script there that only says where to get the browser
    return subprocess.run([path, "--version"], capture_output=True).returncode == 0
