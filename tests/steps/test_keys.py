"""A key is judged before any work is done, and without a byte of it being shown."""

import shutil
import sys

import pytest

from steps.errors import StepError
from steps.signing import check_key
from tests.conftest import ROOT, shell


def test_a_good_key_is_returned_with_its_absolute_path(keys, monkeypatch):
    monkeypatch.chdir(keys[0].parent)
    assert check_key("signing.key") == keys[0]


BAD_KEYS = {
    "no file": ("true", "No such file or directory"),
    "a folder": ("mkdir bad", "Is a directory"),
    "empty": ("touch bad", "got no PEM file"),
    "binary": ("head -c 300 /dev/urandom > bad", "got no PEM file"),
    "the public key": ("cp signing.pub bad", "got a public key"),
    "damaged": ("sed 2d signing.key > bad", "got a damaged private key"),
    "RSA": ("openssl genrsa -out bad 2048", "got an RSAPrivateKey"),
    "Ed25519": ("openssl genpkey -algorithm ed25519 -out bad", "got an Ed25519PrivateKey"),
    "another curve": (
        "openssl ecparam -name secp256k1 -genkey -noout -out bad",
        "got one on the curve secp256k1",
    ),
    "encrypted": ("openssl pkey -in signing.key -aes256 -passout pass:x -out bad", "encrypted key"),
    "encrypted, old form": (
        "openssl ec -in signing.key -aes256 -passout pass:x -out bad",
        "encrypted key",
    ),
    "DER": ("openssl pkey -in signing.key -outform DER -out bad", "got no PEM file"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_cannot_sign_is_refused_and_the_way_out_named(keys, tmp_path, name):
    command, reason = BAD_KEYS[name]
    for path in keys:
        shutil.copy(path, tmp_path)
    assert shell(command, tmp_path).returncode == 0
    with pytest.raises(StepError, match=f"{reason}.*by: openssl") as caught:
        check_key(str(tmp_path / "bad"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["the private key", "RSA", "a certificate", "nothing"])
def test_a_public_key_that_is_none_is_refused(signed, tmp_path, name):
    key, bad = signed.key, tmp_path / "bad"
    command, reason = {
        "the private key": (f"cp {key} bad", "got a private key"),
        "RSA": ("openssl genrsa 2048 | openssl pkey -pubout -out bad", "got an RSAPublicKey"),
        "a certificate": (
            f"openssl req -x509 -new -key {key} -subj /CN=x -out bad", "got a certificate",
        ),
        "nothing": ("true", "No such file or directory"),
    }[name]  # fmt: skip
    assert shell(command, tmp_path).returncode == 0
    assert reason in signed._replace(public_key=bad).refusal()


@pytest.mark.parametrize("module", ["model_signing", "OpenSSL"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(module):
    code = f"""
import sys
sys.modules[{module!r}] = None  # what import finds where a package is missing
from pathlib import Path
from steps import errors, signing
nowhere = Path("nowhere")
for call in (
    lambda: signing.check_key("nowhere"),
    lambda: signing.sign(nowhere, nowhere, nowhere),
    lambda: signing.verify(nowhere, nowhere, nowhere),
):
    try:
        call()
    except errors.StepError as error:
        print(error)
"""
    lines = shell([sys.executable, "-c", code], ROOT).stdout.splitlines()
    assert len(lines) == 3
    assert all(module in line and "by: uv sync --extra signing" in line for line in lines)
