"""Commands in a place without a network: what it takes to run them there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# in the new namespace the loopback is down too, and there may be no `ip` to bring it up
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    up_and_running, set_flags = 0x41, 0x8914
    fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up_and_running))
os.execvp(sys.argv[1], sys.argv[1:])
"""
TIES = ("PIP_", "UV_INDEX", "UV_FIND", "UV_DEFAULT", "UV_EXTRA", "UV_NO")


def namespace() -> list[str]:
    """The words before a command that run it in a network namespace of its own, or none."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rn", "true"], capture_output=True).returncode:
        return []
    return [unshare, "-rn", sys.executable, "-c", LOOPBACK_UP]


def without_index(folder: Path) -> list[str]:
    """The words before a command that hide every index and every cache of packages from it."""
    return [
        "env", *(f"-u{name}" for name in os.environ if name.startswith(TIES)),
        f"PIP_CONFIG_FILE={os.devnull}", f"PIP_CACHE_DIR={folder}/pip",
        "UV_NO_CONFIG=1", f"UV_CACHE_DIR={folder}/uv",
    ]  # fmt: skip


def offline(folder: Path) -> list[str]:
    """The words before a command that leave it no network, no index and no cache.

    Skips the test where this user may make no network namespace.
    """
    cut_off = namespace()
    if not cut_off:
        pytest.skip("unshare -rn is not permitted here: the network cannot be cut off")
    return [*without_index(folder), *cut_off]
