"""Signing an artifact with a local key, and telling whether it still is what was signed.

The signature is a bundle of OpenSSF model-signing, an optional package that is imported only where
it is asked for. Nothing is downloaded, and nothing of the artifact is executed.
"""

import base64
import json
from pathlib import Path
from typing import Any

from steps.errors import StepError, listed
from steps.folders import MLFLOWS_OWN, files_of, sha256_of
from steps.keys import fingerprint, read_private_key, read_public_key

INSTALL = "install them by: uv sync --extra signing (or: pip install model-signing pyopenssl)"


def check_key(path: str) -> Path:
    """Check a private key before any work is done.

    Parameters
    ----------
    path : str
        PEM file of an EC private key without a password.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    StepError
        When one cannot sign with it, or model-signing is not installed.
    """
    require_packages()
    key = Path(path).expanduser().resolve()
    read_private_key(key)
    return key


def require_packages() -> None:
    """Check that the optional packages are installed.

    Raises
    ------
    StepError
        Saying how to install them.
    """
    try:
        import model_signing.signing
        import model_signing.verifying  # noqa: F401
    except ImportError as error:
        raise StepError(
            f"signing: expected the packages model-signing and pyopenssl, got: {error}; {INSTALL}"
        ) from error


def sign(folder: Path, key: Path, signature: Path) -> str:
    """Sign every file of an artifact.

    Parameters
    ----------
    folder : Path
        The artifact. Not changed.
    key : Path
        PEM file of an EC private key.
    signature : Path
        The file to write, outside the folder.

    Returns
    -------
    str
        Fingerprint of the public key: SHA-256 of its DER SubjectPublicKeyInfo, hexadecimal.

    Raises
    ------
    StepError
        When the folder holds what cannot be signed, or the key cannot sign.
    """
    require_packages()
    from model_signing import signing

    private_key = read_private_key(key)
    if signature.resolve().is_relative_to(folder.resolve()):
        raise StepError(f"signature: expected a path outside the artifact, got {signature}")
    files_of(folder)  # refuses what model-signing would leave out
    config = signing.Config().use_elliptic_key_signer(private_key=key)
    try:
        config.set_hashing_config(_hashing()).sign(folder, signature)
    except (OSError, ValueError) as error:  # unreadable, unwritable, or a name that is no UTF-8
        raise StepError(f"signature: cannot sign {folder} as {signature}: {error}") from error
    return fingerprint(private_key.public_key())


def verify(folder: Path, signature: Path, public_key: Path) -> str:
    """Tell whether an artifact is what the holder of a key signed, and nothing more.

    Parameters
    ----------
    folder : Path
        The artifact. Neither changed nor loaded.
    signature : Path
    public_key : Path
        PEM file of the signer's public key.

    Returns
    -------
    str
        Fingerprint of the public key.

    Raises
    ------
    StepError
        Naming every file that was edited, added or removed, or what is wrong with folder,
        signature or key.
    """
    require_packages()
    key = read_public_key(public_key)
    signed = _signed_files(signature)
    files_of(folder)  # a symlink or a pipe is refused before anything is read through it
    mismatch = _mismatch(folder, signature, public_key)
    # model-signing leaves out the paths that a signature tells it to ignore: none is left out here
    different = _differences(folder, signed) or mismatch
    if different:
        raise StepError(
            f"{folder} is not what was signed: {different}; fetch the artifact again, or the "
            "signature that belongs to it"
        )
    return fingerprint(key)


def _hashing() -> Any:
    from model_signing import hashing

    # by default .git, .gitignore and their like would not count
    return hashing.Config().set_ignored_paths(paths=[MLFLOWS_OWN], ignore_git_paths=False)


def _signed_files(signature: Path) -> dict[str, str]:
    """Read what a signature says of each file: its SHA-256. Not to be trusted until verified."""
    try:
        bundle = json.loads(signature.read_bytes())
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        resources = statement["predicate"]["resources"]
        return {str(file["name"]): file["digest"] for file in resources}
    except OSError as error:
        raise StepError(f"signature: expected a file at {signature}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StepError(
            f"signature: expected one of model-signing at {signature}, got a truncated or foreign "
            "file; fetch it again"
        ) from error


def _mismatch(folder: Path, signature: Path, public_key: Path) -> str:
    """Check the signature itself; returns what model-signing finds different in the folder."""
    from cryptography.exceptions import InvalidSignature
    from model_signing import verifying

    config = verifying.Config().use_elliptic_key_verifier(public_key=public_key)
    try:
        config.set_hashing_config(_hashing()).verify(folder, signature)
    except InvalidSignature as error:
        raise StepError(
            f"signature: {signature} was altered, or not made by the key of {public_key}"
        ) from error
    except Exception as error:  # whatever a forged bundle runs into
        reason = str(error).partition("\n")[0]
        if reason.startswith("Key mismatch"):
            raise StepError(
                f"public_key: {signature} was made by another key than that of {public_key}"
            ) from error
        if not reason.startswith("Signature mismatch"):
            raise StepError(f"signature: cannot verify {signature}: {reason}") from error
        return reason
    return ""


def _differences(folder: Path, signed: dict[str, str]) -> str:
    present = {name: sha256_of(folder / name) for name in files_of(folder)}
    common = present.keys() & signed.keys()
    kinds = {
        "edited": {name for name in common if present[name] != signed[name]},
        "added": present.keys() - common,
        "removed": signed.keys() - common,
    }
    return "; ".join(
        f"{kind} {listed(map(repr, sorted(names)))}" for kind, names in kinds.items() if names
    )
