"""What the steps of a ceremony share: keys and how they are unlocked, outputs that overwrite nothing, transcripts."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import secrets
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prcard._version import __version__
from prcard.cli.judging import now
from prcard.cli.output import print_json, say
from prcard.keys.count import SignatureCount
from prcard.keys.pem import check_passphrase, load_key, new_key, serialize_key
from prcard.keys.secret import Secret, secret_from_descriptor
from prcard.keys.signer import LimitedSigner
from prcard.store.issuer_profiles import ISSUER_FIELDS, load_issuer_profile
from prcard.trust.certificate_profile import fingerprint, is_test_only, load_certificate
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import ec

    from prcard.trust.signer import Signer

__all__ = [
    "FILE",
    "KeyPlace",
    "Step",
    "aloud",
    "check_pair",
    "check_previous",
    "count_of",
    "describe_certificate",
    "encode_certificate",
    "json_option",
    "key_options",
    "limited_signer",
    "new_key_options",
    "out_option",
    "previous_options",
    "profile_options",
    "random_serial",
    "read_certificate",
    "read_file",
    "step_options",
    "transcript_of",
]

FILE: Final = click.Path(path_type=Path, dir_okay=False)
SERIAL_BITS: Final = 150
LINE_CHARS: Final = 100
MAX_INPUT_BYTES: Final = 8 << 20


# Keys


@dataclass(frozen=True, kw_only=True)
class KeyPlace:
    """Where a private key lies and how it is unlocked, as the options say."""

    file: Path | None
    module: Path | None
    token: str | None
    label: str | None
    passphrase_fd: int | None
    pin_fd: int | None

    def __post_init__(self) -> None:
        """Refuses options that do not go together."""
        in_token = (self.module, self.token, self.label)
        if (self.file is None) == (None in in_token) or (self.file is not None and any(in_token)):
            raise click.UsageError("Say where the key is: --key FILE, or --pkcs11 MODULE --token LABEL --key-label L.")

    def __str__(self) -> str:
        if self.file is not None:
            return f"encrypted file {self.file.name}"
        return f"key {self.label!r} in token {self.token!r}, made there and not extractable"

    @property
    def new_file(self) -> tuple[Path, ...]:
        """The key file, where there is one."""
        return () if self.file is None else (self.file,)

    @contextlib.contextmanager
    def open(self) -> Iterator[ec.EllipticCurvePrivateKey]:
        """Gives the key that is there."""
        if self.file is not None:
            yield load_key(self.file, lambda: _secret(self.passphrase_fd, "Passphrase of the key file: "))
            return
        with self._token() as token:
            yield token.key(self.label)

    @contextlib.contextmanager
    def make(self, curve: str, step: Step) -> Iterator[ec.EllipticCurvePrivateKey]:
        """Makes the key; a file is written among the outputs of `step`."""
        if self.file is not None:
            passphrase = _new_passphrase(self.passphrase_fd)
            key = new_key(curve)
            step.write(self.file, serialize_key(key, passphrase), mode=0o600)
            yield key
            return
        with self._token() as token:
            yield token.generate_key(self.label, curve)

    def _token(self) -> Any:
        from prcard.keys.pkcs11 import Token

        ask = lambda: _secret(self.pin_fd, f"PIN of token {self.token}: ")  # noqa: E731  # one line is clearest
        return Token(self.module or Path(), self.token or "", ask)


def _secret(descriptor: int | None, prompt: str) -> Secret:
    if descriptor is not None:
        return secret_from_descriptor(descriptor)
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise refusal(TrustReason.SECRET_MISSING, "terminal: expected one to ask on, found none") from None
    secret = Secret(getpass.getpass(prompt).encode())
    if not len(secret):
        raise refusal(TrustReason.SECRET_MISSING, "terminal: expected at least one character, found none")
    return secret


def _new_passphrase(descriptor: int | None) -> Secret:
    passphrase = _secret(descriptor, "Passphrase for the new key file: ")
    check_passphrase(passphrase)
    if descriptor is None and _secret(None, "The same again: ").reveal() != passphrase.reveal():
        raise refusal(TrustReason.SECRET_MISSING, "terminal: expected the same passphrase twice, found two")
    return passphrase


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say where a key is; the command takes `key: KeyPlace`."""

    def with_place(
        *,
        key_file: Path | None,
        module: Path | None,
        token: str | None,
        label: str | None,
        passphrase_fd: int | None,
        pin_fd: int | None,
        **rest: Any,
    ) -> Any:
        place = KeyPlace(
            file=key_file, module=module, token=token, label=label, passphrase_fd=passphrase_fd, pin_fd=pin_fd
        )
        return command(key=place, **rest)

    with_place.__doc__ = command.__doc__
    with_place.__name__ = command.__name__
    wrapped: Callable[..., Any] = with_place
    if hasattr(command, "__click_params__"):
        wrapped.__click_params__ = command.__click_params__  # type: ignore[attr-defined]  # as click keeps them
    for option in reversed(
        (
            click.option("--key", "key_file", type=FILE, help="Encrypted PEM file of the key."),
            click.option("--pkcs11", "module", type=FILE, metavar="MODULE", help="PKCS#11 library of the key's token."),
            click.option("--token", metavar="LABEL", help="Label of the token."),
            click.option("--key-label", "label", metavar="LABEL", help="Label of the key in the token."),
            click.option(
                "--passphrase-fd",
                type=int,
                metavar="N",
                help="Read the passphrase from this descriptor; else it is asked for.",
            ),
            click.option("--pin-fd", type=int, metavar="N", help="Read the PIN from this descriptor; else asked for."),
        )
    ):
        wrapped = option(wrapped)
    return wrapped


def new_key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a key that is made."""
    command = click.option(
        "--existing-key", is_flag=True, help="Use the key that is there instead of making it; to resume, or for an HSM."
    )(command)
    return click.option(
        "--curve", type=click.Choice(["p256", "p384"]), default="p256", show_default=True, help="Curve of a new key."
    )(command)


def check_pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Refuses a key that is not the certificate's.

    Raises:
        TrustError: BAD_ARGUMENT.
    """
    if certificate.public_key() != key.public_key():
        raise refusal(TrustReason.BAD_ARGUMENT, "key: expected the one of the certificate, found another")


# Steps


class Step:
    """One step of a ceremony: what it wrote, and the transcript that somebody can read aloud.

    A context manager: when the step fails, the files that it wrote are removed, so that it can be done again.
    """

    def __init__(self, name: str, transcript: Path, outputs: tuple[Path, ...], operator: str | None) -> None:
        """Begins a step.

        Args:
            name: Its command, such as `csca init`.
            transcript: Where the transcript goes.
            outputs: What else will be written.
            operator: Who does it; None is the account's name.

        Raises:
            TrustError: OUTPUT_EXISTS: one of the outputs is there; nothing was asked or made.
        """
        self.name = name
        self.at: datetime = now().replace(microsecond=0)
        self._operator = operator or getpass.getuser()
        self._transcript = transcript
        self._facts: dict[str, str] = {}
        self._files: dict[Path, bytes] = {}
        for path in (*outputs, transcript):
            if path.exists() or path.is_symlink():
                raise refusal(TrustReason.OUTPUT_EXISTS, f"{path}: expected a name that is free")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for path in self._files:
                path.unlink(missing_ok=True)

    def fact(self, name: str, value: object) -> None:
        """Notes what was done, for transcript and JSON; never a secret."""
        self._facts[name] = str(value)

    def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Writes an output, whole, over nothing.

        Raises:
            TrustError: OUTPUT_EXISTS or FILE_UNUSABLE.
        """
        _write_new(path, data, mode)
        self._files[path] = data

    def wrote(self, path: Path, data: bytes) -> None:
        """Notes a file that was written otherwise."""
        self._files.setdefault(path, data)

    def finish(self, *, as_json: bool) -> None:
        """Writes the transcript and prints it."""
        text = self._text()
        document = self._document()
        _write_new(self._transcript, text.encode(), 0o644)
        if as_json:
            print_json(document)
        else:
            say(text.rstrip("\n"))

    def _text(self) -> str:
        lines = [
            f"Transcript of: prcard trust {self.name}",
            "",
            f"When      {self.at:%Y-%m-%d %H:%M:%S} UTC",
            f"Who       {self._operator}",
            f"With      prcard {__version__}",
            "",
            "What was done",
        ]
        lines += [_fact_line(name, value) for name, value in self._facts.items()]
        lines += ["", "What was written"]
        here = self._transcript.parent
        for path, data in self._files.items():
            name = path.relative_to(here) if path.is_relative_to(here) else path
            lines += [f"  {name}, {len(data)} bytes, SHA-256", f"    {aloud(hashlib.sha256(data).hexdigest())}"]
        lines += ["", "No passphrase, PIN or key is in this transcript. Signed by those present:", "", "", ""]
        return "\n".join(lines)

    def _document(self) -> dict[str, Any]:
        return {
            "step": self.name,
            "at": self.at.isoformat(),
            "operator": self._operator,
            "facts": self._facts,
            "files": [
                {"path": str(path), "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
                for path, data in self._files.items()
            ],
            "transcript": str(self._transcript),
        }


def _fact_line(name: str, value: str) -> str:
    if len(name) + len(value) <= LINE_CHARS - 4:
        return f"  {name}: {value}"
    return f"  {name}:\n" + textwrap.fill(value, LINE_CHARS, initial_indent="    ", subsequent_indent="    ")


def aloud(digest: str) -> str:
    """Gives hexadecimal text in groups of four, as people read it to each other."""
    return " ".join(textwrap.wrap(digest, 4))


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Writes a file that must not be there; it appears whole or not at all."""
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        # A hard link, unlike a rename, fails when the name is taken.
        path.hardlink_to(temporary)
    except FileExistsError:
        raise refusal(TrustReason.OUTPUT_EXISTS, f"{path}: expected a name that is free") from None
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{path}: expected a place to write, found {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            Path(temporary or ".none").unlink()


def step_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every step has: who does it, and JSON."""
    command = json_option(command)
    return click.option(
        "--operator", metavar="NAME", help="Who does this, for the transcript; else the account's name."
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


# What the commands have in common


def profile_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of an issuer's policy; the command takes `profile: IssuerProfile`."""

    def with_profile(*, profile_file: Path | None, **rest: Any) -> Any:
        overrides = {name: value for name in ISSUER_FIELDS if (value := rest.pop(name)) is not None}
        return function(profile=load_issuer_profile(profile_file, overrides), **rest)

    with_profile.__doc__ = function.__doc__
    wrapped: Callable[..., Any] = with_profile
    if hasattr(function, "__click_params__"):
        wrapped.__click_params__ = function.__click_params__  # type: ignore[attr-defined]  # as click keeps them
    for name, kind in reversed(ISSUER_FIELDS.items()):
        option = f"--{name.replace('_', '-')}"
        wrapped = click.option(option, name, type=kind, help=f"Instead of {name} of the profile.")(wrapped)
    return click.option("--profile", "profile_file", type=FILE, help="The issuer's policy, a TOML file.")(wrapped)


def out_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--out`."""
    return click.option("--out", type=FILE, required=True, help="Where the result goes; must not be there.")(function)


def transcript_of(out: Path) -> Path:
    """Gives where the transcript of a step goes: beside its output."""
    return out.with_name(f"{out.name}.transcript.txt")


def random_serial() -> int:
    """Gives a serial number for a certificate."""
    return secrets.randbits(SERIAL_BITS) | 1


def count_of(certificate: Path) -> Path:
    """Gives where the count of a signer lies: beside its certificate."""
    return certificate.with_name(f"{certificate.name}.count")


def previous_options(noun: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds `--previous` and `--first`."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option("--first", is_flag=True, help=f"There is no {noun} before this one.")(function)
        option = click.option("--previous", type=click.Path(path_type=Path), help=f"The {noun} before this one.")
        return option(function)

    return add


def check_previous(previous: Path | None, first: bool) -> None:
    """Refuses both of `--previous` and `--first`, and neither."""
    if (previous is None) != first:
        raise click.UsageError("Give --previous, so that numbers grow and nothing is forgotten, or --first.")


def limited_signer(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, path: Path, kind: str) -> Signer:
    """Joins a key with its certificate, its count and what it is for."""
    count = SignatureCount(count_of(path), certificate)
    return LimitedSigner(key, certificate, document_type=kind, count=count)


# Files


def read_file(path: Path) -> bytes:
    """Reads an input.

    Raises:
        TrustError: FILE_UNUSABLE or TOO_LARGE.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{path}: expected a file, found {error.strerror}") from None
    if len(data) > MAX_INPUT_BYTES:
        raise refusal(TrustReason.TOO_LARGE, f"{path}: expected at most {MAX_INPUT_BYTES} bytes, found more")
    return data


def read_certificate(path: Path) -> x509.Certificate:
    """Reads a certificate in DER or PEM.

    Raises:
        TrustError: FILE_UNUSABLE, TOO_LARGE or CERTIFICATE_MALFORMED.
    """
    data = read_file(path)
    if b"-----BEGIN CERTIFICATE-----" in data:
        try:
            data = x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
        except ValueError:
            detail = f"{path}: expected a certificate in PEM or DER, found neither"
            raise refusal(TrustReason.CERTIFICATE_MALFORMED, detail) from None
    return load_certificate(data)


def encode_certificate(certificate: x509.Certificate | x509.CertificateSigningRequest, path: Path) -> bytes:
    """Encodes a certificate or request: PEM for a name that ends in .pem or .csr, else DER."""
    return certificate.public_bytes(Encoding.PEM if path.suffix in {".pem", ".csr"} else Encoding.DER)


def describe_certificate(certificate: x509.Certificate) -> Mapping[str, str]:
    """Gives what people compare of a certificate."""
    facts = {
        "Subject": certificate.subject.rfc4514_string(),
        "Serial number": f"{certificate.serial_number:x}",
        "Valid": f"{certificate.not_valid_before_utc.date()} to {certificate.not_valid_after_utc.date()}",
        "Fingerprint (SHA-256), read it aloud": aloud(fingerprint(certificate)),
    }
    return facts | ({"For": "TEST ONLY"} if is_test_only(certificate) else {})
