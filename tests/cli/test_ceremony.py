"""Key material, passphrases and PINs are never seen: every failure is driven, everything that leaves is searched."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from prcard.cli import ceremony
from prcard.cli.ceremony import KeyPlace, Step, aloud
from prcard.cli.main import cli
from prcard.errors import PRCardError, TrustError
from prcard.keys.external import ExternalKey
from prcard.keys.pem import load_key, serialize_key
from prcard.keys.pkcs11 import Token
from prcard.keys.secret import Secret, secret_from_descriptor

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = b"hush-hush passphrase of a test"
OTHER_PASSPHRASE = b"another hush-hush passphrase"
WRONG_PIN = b"wrong-hush-pin"


def forms(secret: bytes) -> set[bytes]:
    """How bytes could be written down."""
    text = secret.hex()
    grouped = {separator.join(text[at : at + 2] for at in range(0, len(text), 2)) for separator in (" ", ":")}
    written = {text, text.upper(), str(list(secret))[1:-1], *grouped, base64.b64encode(secret).decode().rstrip("=")}
    # In a longer base64 text the secret stands at one of three places.
    for shift in (1, 2):
        written.add(base64.b64encode(bytes(shift) + secret).decode()[4:-4])
    return {form.encode() for form in written} | {secret}


def forms_of_key(key: ec.EllipticCurvePrivateKey) -> set[bytes]:
    value = key.private_numbers().private_value
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    inside = b"".join(plain.splitlines()[1:-1])
    return forms(value.to_bytes(32, "big")) | {str(value).encode(), f"{value:x}".encode(), inside[60:120]}


def shown(error: BaseException) -> str:
    """A traceback with the locals of every frame but those of this file, which holds the secrets by itself."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in whole.stack:
        if frame.filename == __file__:
            frame.locals = None
    return "".join(whole.format())


class Watch:
    """Collects everything that leaves, and the secrets that must not be in it."""

    def __init__(self) -> None:
        self.secrets = forms(PASSPHRASE) | forms(OTHER_PASSPHRASE) | forms(WRONG_PIN)
        self.seen: list[bytes] = []
        self.failures = 0

    def see(self, *texts: object) -> None:
        self.seen += [text if isinstance(text, bytes) else str(text).encode() for text in texts]

    def fails(self, act: Callable[[], object]) -> None:
        """Runs what must fail, and keeps the error in every form in which Python can show it."""
        try:
            act()
        except (PRCardError, SystemExit) as error:
            self.failures += 1
            seen: BaseException | None = error
            while seen is not None:
                self.see(repr(seen), seen.args, vars(seen), shown(seen))
                seen = seen.__cause__ or seen.__context__
            return
        raise AssertionError("this must fail")

    def check(self) -> None:
        found = [secret for secret in self.secrets for text in self.seen if secret.lower() in text.lower()]
        assert found == []


@pytest.fixture
def watch(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    caplog.set_level(logging.DEBUG)
    watching = Watch()
    yield watching
    watching.see(*capfd.readouterr(), caplog.text)
    watching.check()


def passing(secret: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, secret + b"\n")
    os.close(writing)
    return reading


def test_the_search_itself_finds_what_it_searches() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    value = key.private_numbers().private_value
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    scalar = value.to_bytes(32, "big")
    for leak in (
        plain.replace(b"\n", b""),
        repr(PASSPHRASE).encode(),
        str(value).encode(),
        hex(value).encode(),
        base64.b64encode(b"x" + scalar + b"yz"),
        base64.b64encode(PASSPHRASE),
    ):
        watching = Watch()
        watching.secrets |= forms_of_key(key)
        watching.see(leak)
        with pytest.raises(AssertionError):
            watching.check()

    space: dict[str, Any] = {"TrustError": TrustError}
    exec(compile(f"def leaking():\n p = {PASSPHRASE!r}\n raise TrustError('r', 'm', 'a')", "elsewhere", "exec"), space)
    watching = Watch()
    watching.fails(space["leaking"])
    with pytest.raises(AssertionError):
        watching.check()


def test_key_files_give_nothing_away(watch: Watch, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    watch.secrets |= forms_of_key(key)
    path = tmp_path / "k.pem"

    def with_file(data: bytes, passphrase: bytes = PASSPHRASE) -> None:
        path.write_bytes(data)
        watch.fails(lambda: load_key(path, lambda: Secret(passphrase)))

    sealed = serialize_key(key, Secret(PASSPHRASE))
    watch.see(sealed, repr(key), repr(Secret(PASSPHRASE)), vars(KeyPlace)["__doc__"])
    with_file(sealed, OTHER_PASSPHRASE)
    with_file(sealed[:-60])
    with_file(sealed.replace(b"A", b"B"))
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        with_file(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    with_file(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    watch.fails(lambda: serialize_key(key, Secret(PASSPHRASE[:7])))
    watch.fails(lambda: secret_from_descriptor(passing(PASSPHRASE * 100)))

    def refuse() -> Secret:
        raise TrustError("secret-missing", "nobody answered", "ask again")

    path.write_bytes(sealed)
    watch.fails(lambda: load_key(path, refuse))
    assert watch.failures == 9


def test_key_services_give_nothing_away(watch: Watch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    watch.secrets |= forms_of_key(key)
    scheme = ec.ECDSA(hashes.SHA256())

    def angry(_: bytes) -> bytes:
        raise RuntimeError(PASSPHRASE.decode(), key.private_numbers().private_value)

    for sign in (lambda _: b"", lambda _: bytes(64)):
        external = ExternalKey(key.public_key(), sign)
        watch.see(repr(external), repr(vars(external)))
        watch.fails(lambda external=external: external.sign(b"x", scheme))  # type: ignore[misc]  # a default binds it
    external = ExternalKey(key.public_key(), angry)
    try:
        external.sign(b"x", scheme)
    except TrustError as error:
        # What the service itself raised is not shown: it is no part of the error that a program prints.
        assert error.__suppress_context__
        watch.see(shown(error))
    watch.fails(external.private_numbers)
    assert watch.failures == 3


def test_tokens_give_nothing_away(watch: Watch, soft_token: Any) -> None:
    watch.secrets |= forms(soft_token.pin)
    token = Token(soft_token.module, soft_token.label, lambda: Secret(soft_token.pin))
    with token:
        key = token.generate_key("quiet", "p256")
        watch.see(repr(token), repr(vars(token)), repr(key), repr(vars(key)))
        watch.fails(lambda: token.key("none"))
        watch.fails(lambda: token.generate_key("quiet", "p256"))
        watch.fails(key.private_numbers)
    wrong = Token(soft_token.module, soft_token.label, lambda: Secret(WRONG_PIN))
    watch.fails(wrong.labels)
    watch.fails(lambda: Token(soft_token.module, "nobody", lambda: Secret(soft_token.pin)))
    watch.fails(lambda: Token(Path("/nowhere.so"), "x", lambda: Secret(soft_token.pin)))
    assert watch.failures == 6


def test_the_ceremony_gives_nothing_away(
    watch: Watch, tmp_path: Path, soft_token: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long because it is one list of all that can go wrong, each in a line.
    watch.secrets |= forms(soft_token.pin)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "be-an-issuer.md").read_text(encoding="utf-8")
    Path("issuer.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    shutil.copy(ROOT / "fixtures" / "specimens" / "alice" / "card.capture.json", tmp_path)

    def trust(*words: object, secret: bytes = PASSPHRASE, option: str = "--passphrase-fd") -> None:
        descriptor = passing(secret)
        try:
            arguments = ["trust", *(str(word) for word in words), option, str(descriptor)]
            code = cli.main(arguments, prog_name="prcard", standalone_mode=False)
        finally:
            os.close(descriptor)
        assert not code

    init = ("csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only", "--out", "csca.pem")
    request = ("dsc", "request", "--profile", "issuer.toml", "--name", "TEST ONLY Y", "--test-only", "--out", "d.csr")
    issue = ("dsc", "issue", "--profile", "issuer.toml", "--csca", "csca.pem", "--request", "d.csr", "--out", "d.pem")
    crl = ("crl", "issue", "--csca", "csca.pem", "--first", "--out", "1.crl")
    status = ("status", "publish", "--signer", "d.pem", "--first", "--list-id", 1, "--entries", 9, "--out", "1.der")
    sign = ("sign", "card.capture.json", "--signer", "d.pem", "--out", "signed.json")
    store = ("store", "build", "--by", "csca.pem", "--first", "--csca", "csca.pem", "--crl", "1.crl", "--out", "s1")
    own, signers = ("--key", "csca.key"), ("--key", "d.key")
    token = ("--pkcs11", soft_token.module, "--token", soft_token.label, "--key-label", "ceremony")

    watch.fails(lambda: trust(*init, *own, secret=PASSPHRASE[:5]))
    watch.fails(lambda: trust(*init, "--key", "no/such/folder/k"))
    watch.fails(lambda: trust(*init, *token, option="--pin-fd", secret=WRONG_PIN))
    trust(*init, *own)
    watch.fails(lambda: trust(*init, *own))
    trust(*request, *signers)
    for step, key in ((issue, own), (crl, own)):
        watch.fails(lambda step=step, key=key: trust(*step, *key, secret=OTHER_PASSPHRASE))  # type: ignore[misc]  # bound
        watch.fails(lambda step=step: trust(*step, *signers))  # type: ignore[misc]  # a default binds it
        trust(*step, *key)
    watch.fails(lambda: trust(*status, *signers))
    watch.fails(lambda: trust(*sign, *own))
    trust(*sign, *signers)
    watch.fails(lambda: trust(*store, *signers))
    trust(*store, *own)
    Path("d.pem.count").write_bytes(b"rubbish")
    Path("signed.json").unlink()
    watch.fails(lambda: trust(*sign, *signers))
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        watch.fails(lambda: trust(*crl[:-1], "2.crl", *own))
        for name in ("x.key", "x.pem"):
            assert not Path(name).exists()
        words = ("csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only")
        watch.fails(lambda: trust(*words, "--key", "x.key", "--out", "x.pem"))
    assert watch.failures == 15 - 1
    for name in ("csca.key", "d.key"):
        watch.secrets |= forms_of_key(load_key(Path(name), lambda: Secret(PASSPHRASE)))
    watch.see(*(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()))


def test_a_bug_of_ours_shows_no_secret(tmp_path: Path) -> None:
    script = (
        "import sys; from prcard.cli import main, trust\n"
        "def broken(*_, **__): raise ZeroDivisionError('broken on purpose')\n"
        "trust.issue_csca = broken\n"
        "main.main(sys.argv[1:])"
    )
    page = (ROOT / "docs" / "how-to" / "be-an-issuer.md").read_text(encoding="utf-8")
    (tmp_path / "issuer.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    words = ["trust", "csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only"]
    command = [sys.executable, "-c", script, *words, "--key", "k", "--out", "c.pem", "--passphrase-fd", "0"]
    done = subprocess.run(command, input=PASSPHRASE, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 70
    assert b"broken on purpose" in done.stderr
    assert PASSPHRASE not in done.stderr + done.stdout
    assert not (tmp_path / "k").exists()


def test_a_step_writes_over_nothing_even_in_a_race(tmp_path: Path) -> None:
    with pytest.raises(TrustError) as caught, Step("x", tmp_path / "t", (tmp_path / "a",), "me") as step:
        step.write(tmp_path / "b", b"new")
        (tmp_path / "a").write_bytes(b"theirs")
        step.write(tmp_path / "a", b"ours")
    assert caught.value.reason == "output-exists"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"theirs"


def test_inputs_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "MAX_INPUT_BYTES", 10)
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(TrustError) as caught:
        ceremony.read_file(tmp_path / "long")
    assert caught.value.reason == "too-large"


def test_what_is_read_aloud_comes_in_fours() -> None:
    assert aloud("0123456789ab") == "0123 4567 89ab"
