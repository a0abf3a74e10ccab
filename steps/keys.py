"""Elliptic curve keys in PEM files."""

import hashlib
from pathlib import Path
from typing import Any

from steps.errors import StepError

CURVES = ("secp256r1", "secp384r1", "secp521r1")  # those of model-signing
WHAT = "the key to sign with"
NEW_KEY = "make one by: openssl ecparam -name prime256v1 -genkey -noout -out signing.key"
PUBLIC_PART = "write it by: openssl pkey -in signing.key -pubout -out signing.pub"


def read_private_key(path: Path) -> Any:
    """Read the private key to sign with.

    Parameters
    ----------
    path : Path
        PEM file of an EC private key without a password.

    Returns
    -------
    EllipticCurvePrivateKey

    Raises
    ------
    StepError
        When there is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _content(path, WHAT, NEW_KEY)
    try:
        key = load_pem_private_key(content, None)
    except TypeError as error:  # cryptography's word for a password that is not given
        raise StepError(
            f"{WHAT}: expected one without a password, got an encrypted key in {path}; "
            "decrypt it by: openssl pkey -in encrypted.key -out signing.key"
        ) from error
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise StepError(
            f"{WHAT}: expected a PEM file of a private key on the curve P-256, P-384 or P-521, "
            f"got {_kind(key, content, 'private key')} in {path}; {NEW_KEY}"
        )
    return key


def read_public_key(path: Path) -> Any:
    """Read the public key to verify with.

    Parameters
    ----------
    path : Path
        PEM file of an EC public key.

    Returns
    -------
    EllipticCurvePublicKey

    Raises
    ------
    StepError
        When there is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _content(path, "public_key", PUBLIC_PART)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise StepError(
            "public_key: expected a PEM file of a public key on the curve P-256, P-384 or P-521, "
            f"got {_kind(key, content, 'public key')} in {path}; {PUBLIC_PART}"
        )
    return key


def fingerprint(public_key: Any) -> str:
    """Name a public key: SHA-256 of its DER SubjectPublicKeyInfo, hexadecimal."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _content(path: Path, what: str, advice: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StepError(
            f"{what}: expected a readable PEM file at {path}, got: {error.strerror}; {advice}"
        ) from error


def _kind(key: Any, content: bytes, expected: str) -> str:
    """Say what came instead, without a byte of it."""
    if key is not None:
        curve = getattr(key, "curve", None)
        return f"one on the curve {curve.name}" if curve else f"an {type(key).__name__.strip('_')}"
    for kind in ("private key", "public key", "certificate"):
        if f"{kind.upper()}-----".encode() in content:
            return f"a damaged {kind}" if kind == expected else f"a {kind}"
    return "no PEM file"
