"""Ed25519 signatures, each for one purpose, and the files that keep keys."""

import os
import re
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from p2p_market.errors import SigningError, UsageError
from p2p_market.files import write_private

HEADING: Final = "p2p-market-private-key/1"
KEY: Final = re.compile(r"[0-9a-f]{64}", flags=re.ASCII)
SIGNATURE: Final = re.compile(r"[0-9a-f]{128}", flags=re.ASCII)
OTHERS: Final = 0o077
"""Permissions of everybody but the owner."""


def new_key() -> bytes:
    """A private key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> str:
    """The public half of a private key: 64 small hexadecimal digits, its name everywhere."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def sign(private: bytes, purpose: str, payload: bytes) -> str:
    """A signature as 128 small hexadecimal digits; it holds for this purpose only."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(_message(purpose, payload)).hex()


def holds(public: str, purpose: str, payload: bytes, signature: str) -> bool:
    """Whether the owner of a public key signed these bytes for this purpose.

    There is one way to write a signature: other digits or a shifted scalar do not hold (RFC 8032,
    section 5.1.7).
    """
    if not KEY.fullmatch(public) or not SIGNATURE.fullmatch(signature):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), _message(purpose, payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def write_key(path: Path) -> str:
    """Make a key and write its private half where only its owner reads it; the public half.

    Raises:
        UsageError: if the file exists already; keys are never overwritten.
    """
    private = new_key()
    try:
        write_private(path, f"{HEADING}\n{private.hex()}\n")
    except FileExistsError:
        raise UsageError(f"{path}: exists already; name a new file for a new key") from None
    return public_key(private)


def read_key(path: Path) -> bytes:
    """The private key in a file.

    Raises:
        SigningError: if it is not a key file, or others may read it.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & OTHERS:
            raise SigningError(f"{path}: others may read this key; chmod 600 {path}")
        text = file.read(1000).decode("latin-1")
    heading, _, digits = text.removesuffix("\n").partition("\n")
    if heading != HEADING or not KEY.fullmatch(digits):
        raise SigningError(
            f"{path}: is not a key file; p2p-market leaderboard ledger key writes one"
        )
    return bytes.fromhex(digits)


def _message(purpose: str, payload: bytes) -> bytes:
    return purpose.encode("ascii") + b"\0" + payload
