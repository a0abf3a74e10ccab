"""A small signed folder, for the tests of signing."""

from pathlib import Path
from typing import NamedTuple

import pytest

from steps.errors import StepError
from steps.signing import verify
from tests.conftest import shell

FILES = {
    "MLmodel": "flavors: {}\n",
    "model.py": "print('loaded')\n",
    "artifacts/contract.json": "{}",
    "artifacts/pipeline.onnx": "graph",
    ".hidden": "h",
    ".gitignore": "*.pyc\n",
    ".git/config": "[core]\n",
}
META = "registered_model_meta"
NOTE = "model_name: churn\nmodel_version: '3'\n"


class Signed(NamedTuple):
    """A signed folder, and the pair of keys."""

    folder: Path
    signature: Path
    key: Path
    public_key: Path

    def verify(self) -> str:
        return verify(self.folder, self.signature, self.public_key)

    def refusal(self) -> str:
        """Verify, and return the one line that refuses."""
        with pytest.raises(StepError) as caught:
            self.verify()
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def write(self, name: str, content: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)


def new_key(folder: Path, name: str, curve: str = "prime256v1") -> tuple[Path, Path]:
    """Make a pair of keys as the documentation does."""
    done = shell(
        f"openssl ecparam -name {curve} -genkey -noout -out {name}.key && "
        f"openssl pkey -in {name}.key -pubout -out {name}.pub",
        folder,
    )
    assert done.returncode == 0, done.stderr
    return folder / f"{name}.key", folder / f"{name}.pub"
