"""A pair of keys, and a folder signed with them."""

from pathlib import Path

import pytest

from steps.signing import sign
from tests.signed import FILES, Signed, new_key


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> tuple[Path, Path]:
    return new_key(tmp_path_factory.mktemp("keys"), "signing")


@pytest.fixture
def signed(tmp_path, keys) -> Signed:
    signed = Signed(tmp_path / "artifact", tmp_path / "model.sig", *keys)
    for name, content in FILES.items():
        signed.write(name, content)
    sign(signed.folder, signed.key, signed.signature)
    return signed
