"""What a signature covers, tried on a small folder: every change is refused by its name."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from steps.errors import StepError
from steps.signing import sign
from tests.conftest import ROOT, shell
from tests.signed import FILES, META, NOTE, new_key


def test_what_is_as_signed_is_verified_by_the_fingerprint_that_openssl_shows(signed):
    done = shell(f"openssl pkey -pubin -in {signed.public_key} -outform DER | sha256sum", ROOT)
    assert signed.verify() == done.stdout.split()[0]


def test_signing_returns_the_fingerprint_of_the_public_key(signed):
    assert sign(signed.folder, signed.key, signed.signature) == signed.verify()


@pytest.mark.parametrize("curve", ["secp384r1", "secp521r1"])
def test_the_other_curves_of_model_signing_sign_too(signed, tmp_path, curve):
    key, public_key = new_key(tmp_path, "other", curve)
    assert (
        sign(signed.folder, key, signed.signature)
        == signed._replace(public_key=public_key).verify()
    )


def test_a_folder_may_be_renamed_and_moved(signed, tmp_path):
    moved = shutil.move(signed.folder, tmp_path / "elsewhere")
    assert signed._replace(folder=Path(moved)).verify()


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused_by_the_name_of_the_file(signed, name):
    content = bytearray((signed.folder / name).read_bytes())
    content[-1] ^= 1
    (signed.folder / name).write_bytes(content)
    assert f"is not what was signed: edited '{name}';" in signed.refusal()


@pytest.mark.parametrize("name", FILES)
def test_a_removed_file_is_refused_by_its_name(signed, name):
    (signed.folder / name).unlink()
    if name == ".git/config":
        (signed.folder / ".git").rmdir()
    assert f"is not what was signed: removed '{name}';" in signed.refusal()


@pytest.mark.parametrize(
    "name",
    [
        "extra.py",
        ".env",
        ".gitattributes",
        ".git/hooks/post-checkout",
        ".github/workflows/ci.yml",
        "artifacts/.gitignore",
        "__pycache__/model.cpython-311.pyc",
        f"artifacts/{META}",
        f"{META}.py",
    ],
)
def test_an_added_file_is_refused_by_its_name(signed, name):
    signed.write(name, "")
    assert f"is not what was signed: added '{name}';" in signed.refusal()


def test_a_renamed_file_is_refused_by_both_names(signed):
    (signed.folder / "MLmodel").rename(signed.folder / "mlmodel")
    assert "added 'mlmodel'; removed 'MLmodel';" in signed.refusal()


def test_two_files_that_changed_places_are_refused_by_both_names(signed):
    signed.write("MLmodel", FILES["model.py"])
    signed.write("model.py", FILES["MLmodel"])
    assert "edited 'MLmodel', 'model.py';" in signed.refusal()


def test_a_name_that_would_steer_the_terminal_is_shown_escaped(signed):
    signed.write("\x1b[2J\nok", "")
    assert r"added '\x1b[2J\nok'" in signed.refusal()


def test_an_added_name_that_is_no_utf_8_is_refused(signed):
    (signed.folder / os.fsdecode(b"\xff")).touch()
    assert r"added '\udcff'" in signed.refusal()


def test_another_key_is_refused(signed, tmp_path):
    _, public_key = new_key(tmp_path, "other")
    refusal = signed._replace(public_key=public_key).refusal()
    assert "model.sig was made by another key than that of" in refusal


def test_a_signature_that_claims_another_key_is_refused(signed, tmp_path):
    ours, other = signed.signature.read_text(), tmp_path / "other.sig"
    key, _ = new_key(tmp_path, "other")
    sign(signed.folder, key, other)
    hint = re.compile(r'"hint": ?"(\w+)"')
    forged = hint.sub(hint.search(ours)[0], other.read_text())
    assert forged != other.read_text()
    signed.signature.write_text(forged)
    assert "model.sig was altered, or not made by the key of" in signed.refusal()


def test_the_signature_of_another_artifact_is_refused(signed, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "MLmodel").write_text("another")
    sign(tmp_path / "other", signed.key, signed.signature)
    assert "edited 'MLmodel'; added '.git/config', '.gitignore', '.hidden'," in signed.refusal()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"dsseEnvelope": 1}']
)
def test_what_is_no_signature_is_refused(signed, content):
    signed.signature.write_bytes(content)
    assert "got a truncated or foreign file" in signed.refusal()


def test_a_signature_truncated_anywhere_is_refused(signed):
    whole = signed.signature.read_bytes()
    for length in range(0, len(whole) - 1, 61):
        signed.signature.write_bytes(whole[:length])
        assert "got a truncated or foreign file" in signed.refusal()


def test_no_flipped_bit_of_the_signature_makes_an_edited_artifact_pass(signed):
    whole = signed.signature.read_bytes()
    signed.write("MLmodel", "edited")
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        signed.signature.write_bytes(flipped)
        assert signed.refusal()


def test_a_missing_signature_is_said(signed):
    signed.signature.unlink()
    assert "signature: expected a file at" in signed.refusal()


@pytest.mark.parametrize("name", [".git/config", "artifacts/cache.bin"])
def test_paths_that_a_signature_tells_to_ignore_still_count(signed, name):
    (signed.folder / ".git" / "config").unlink()
    (signed.folder / ".git").rmdir()
    model_signing(
        f"sign key {signed.folder} --private_key {signed.key} --signature {signed.signature} "
        f"--ignore-paths {signed.folder / 'artifacts' / 'cache.bin'} --ignore-paths "
        f"{signed.folder / '.gitignore'}"
    )
    (signed.folder / ".gitignore").unlink()
    assert signed.verify()
    signed.write(name, "")
    assert f"is not what was signed: added '{name}';" in signed.refusal()


def model_signing(arguments: str) -> str:
    done = shell(f"python -m model_signing {arguments}", ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_command_line_of_model_signing_verifies_our_signature(signed):
    signed.write(META, NOTE)
    said = model_signing(
        f"verify key {signed.folder} --public_key {signed.public_key} --no-ignore-git-paths "
        f"--signature {signed.signature}"
    )
    assert "Verification succeeded" in said


@pytest.mark.parametrize("name", ["model.sig", "artifacts/model.sig", "../artifact/model.sig"])
def test_a_signature_inside_the_folder_is_not_written(signed, name):
    with pytest.raises(StepError, match="expected a path outside the artifact"):
        sign(signed.folder, signed.key, signed.folder / name)
    assert signed.verify()


def test_a_signature_that_cannot_be_written_is_said(signed, tmp_path):
    with pytest.raises(StepError, match=r"cannot sign .* No such file or directory"):
        sign(signed.folder, signed.key, tmp_path / "missing" / "model.sig")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "link").symlink_to("MLmodel"), "got a symlink"),
        (lambda folder: (folder / "empty").mkdir(), "got the empty folder"),
        (lambda folder: (folder / META).write_text("x"), "holds other than MLflow writes"),
        (lambda folder: (folder / os.fsdecode(b"\xff")).touch(), "cannot sign"),
        (shutil.rmtree, "expected the folder of an artifact, got nothing"),
    ],
)
def test_what_could_not_be_verified_is_not_signed(signed, spoil: Callable, reason):
    spoil(signed.folder)
    with pytest.raises(StepError, match=reason):
        sign(signed.folder, signed.key, signed.signature)
