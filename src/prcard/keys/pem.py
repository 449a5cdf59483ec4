"""Keys in encrypted PEM files (PKCS#8, PBES2); a key that is not encrypted is refused, TEST ONLY or not.

There is no exception for test keys: a rule with an exception is the one that fails on the day it is needed, and a test
key with a passphrase costs nothing.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from prcard.keys.secret import Secret
from prcard.trust.algorithms import check_curve
from prcard.trust.asn1 import SEQUENCE, ObjectIdentifier, encode, wrap
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from prcard.keys.secret import Ask

__all__ = ["CURVES", "MIN_PASSPHRASE_BYTES", "check_passphrase", "load_key", "new_key", "serialize_key"]

CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {"p256": ec.SECP256R1, "p384": ec.SECP384R1}
"""Curves on which keys are made, by the name that people choose."""

MIN_PASSPHRASE_BYTES: Final = 8
"""For a new key; our choice. What protects the file is a passphrase that nobody can guess, not this number."""
ITERATIONS: Final = 600_000
"""Of PBKDF2 with SHA-256, as OWASP advises; the library's own encryption makes 2048."""
AES_BLOCK_BYTES: Final = 16
MAX_KEY_BYTES: Final = 16 * 1024
_ENCRYPTED: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_ANY_KEY: Final = b"PRIVATE KEY-----"


def new_key(curve: str) -> ec.EllipticCurvePrivateKey:
    """Makes a key in memory.

    Args:
        curve: `p256` or `p384`.

    Raises:
        TrustError: BAD_ARGUMENT.
    """
    if curve not in CURVES:
        raise refusal(TrustReason.BAD_ARGUMENT, f"curve: expected {' or '.join(CURVES)}, found another name")
    return ec.generate_private_key(CURVES[curve]())


def serialize_key(key: ec.EllipticCurvePrivateKey, passphrase: Secret) -> bytes:
    """Encrypts a key as PKCS#8 in PEM.

    Raises:
        TrustError: PASSPHRASE_SHORT.
    """
    check_passphrase(passphrase)
    salt, start = secrets.token_bytes(16), secrets.token_bytes(AES_BLOCK_BYTES)
    kdf = PBKDF2HMAC(hashes.SHA256(), length=32, salt=salt, iterations=ITERATIONS)
    padder = PKCS7(8 * AES_BLOCK_BYTES).padder()
    # Key, passphrase and what is derived from it are never given a name here: a frame would show them.
    cipher = Cipher(AES256(kdf.derive(passphrase.reveal())), CBC(start)).encryptor()
    encrypted = cipher.update(
        padder.update(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())) + padder.finalize()
    )
    data = wrap(SEQUENCE, _scheme(salt, start) + encode(encrypted + cipher.finalize()))
    lines = base64.encodebytes(data).decode("ascii").replace("\n", "")
    body = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n".encode("ascii")


def _scheme(salt: bytes, start: bytes) -> bytes:
    """PBES2 with PBKDF2 over HMAC-SHA-256 and AES-256-CBC, as every tool since OpenSSL 1.0 reads it.

    Source: RFC 8018, appendix A.
    """
    random_function = _sequence(_oid("1.2.840.113549.2.9"), b"\x05\x00")
    parameters = _sequence(encode(salt), encode(ITERATIONS), random_function)
    derivation = _sequence(_oid("1.2.840.113549.1.5.12"), parameters)
    encryption = _sequence(_oid("2.16.840.1.101.3.4.1.42"), encode(start))
    return _sequence(_oid("1.2.840.113549.1.5.13"), _sequence(derivation, encryption))


def _sequence(*parts: bytes) -> bytes:
    return wrap(SEQUENCE, b"".join(parts))


def _oid(dotted: str) -> bytes:
    return encode(ObjectIdentifier(dotted))


def check_passphrase(passphrase: Secret) -> None:
    """Refuses a passphrase that is too short for a new key.

    Raises:
        TrustError: PASSPHRASE_SHORT.
    """
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        detail = f"passphrase: expected {MIN_PASSPHRASE_BYTES} bytes or more, found fewer"
        raise refusal(TrustReason.PASSPHRASE_SHORT, detail)


def load_key(path: Path, ask: Ask) -> ec.EllipticCurvePrivateKey:
    """Reads an encrypted key; the passphrase is asked for only when the file is one.

    Args:
        path: The PEM file.
        ask: Gives the passphrase.

    Raises:
        TrustError: KEY_MISSING, KEY_NOT_ENCRYPTED, KEY_MALFORMED, PASSPHRASE_WRONG, or the key's kind or curve is
            not one that may issue.
    """
    data = _read(path)
    if _ENCRYPTED not in data.reveal():
        raise _not_encrypted(path, data)
    passphrase = ask()
    try:
        key = load_pem_private_key(data.reveal(), passphrase.reveal())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise refusal(
            TrustReason.PASSPHRASE_WRONG, f"{path}: expected a key that this passphrase opens, found none"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise refusal(TrustReason.UNSUPPORTED_KEY, f"{path}: expected a key on P-256 or P-384, found another kind")
    check_curve(key.curve)
    return key


def _read(path: Path) -> Secret:
    """The file as a secret: one that is not encrypted is key material as it stands."""
    try:
        with path.open("rb") as file:
            return Secret(file.read(MAX_KEY_BYTES))
    except OSError as error:
        detail = f"{path}: expected a key file that can be read, found {error.strerror}"
        raise refusal(TrustReason.KEY_MISSING, detail) from None


def _not_encrypted(path: Path, data: Secret) -> Exception:
    if _ANY_KEY in data.reveal():
        return refusal(TrustReason.KEY_NOT_ENCRYPTED, f"{path}: expected an encrypted PKCS#8 key, found another form")
    return refusal(TrustReason.KEY_MALFORMED, f"{path}: expected a key in PEM, found none")
