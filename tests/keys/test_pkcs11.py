"""Keys in a real token made of software (SoftHSM2): made there, never out of there, used by threads and children."""

from __future__ import annotations

import builtins
import ctypes
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from prcard.errors import TrustError
from prcard.keys import pkcs11 as adapter
from prcard.keys.external import ExternalKey
from prcard.keys.pkcs11 import Token
from prcard.keys.secret import Secret
from prcard.trust.certificates import issue_crl, issue_csca
from prcard.trust.security_object import build_security_object
from prcard.trust.signer import InMemorySigner

SHA256 = ec.ECDSA(hashes.SHA256())


@pytest.fixture
def token(soft_token: Any) -> Iterator[Token]:
    with Token(soft_token.module, soft_token.label, lambda: Secret(soft_token.pin)) as opened:
        yield opened


def fresh() -> str:
    return f"test-{secrets.token_hex(4)}"


@pytest.mark.parametrize(("curve", "name"), [("p256", "secp256r1"), ("p384", "secp384r1")])
def test_a_key_made_in_the_token_signs_all_that_an_issuer_signs(
    curve: str, name: str, token: Token, issuer: Any, certify: Any
) -> None:
    key = token.generate_key(fresh(), curve)
    assert key.curve.name == name
    csca = issue_csca(issuer.profile, key, common_name="TEST ONLY", serial=3, not_before=issuer.now)
    end = issuer.now + timedelta(days=9)
    crl = issue_crl(csca, key, number=1, this_update=issuer.now, next_update=end, revoked={7: issuer.now})
    assert crl.is_signature_valid(key.public_key())
    assert build_security_object(issuer.zones, InMemorySigner(key, certify(key).dsc), issuer.now)


def test_the_private_key_is_sensitive_only_signs_and_never_leaves(token: Token) -> None:
    label = fresh()
    token.generate_key(label, "p256")
    private = token._private(label)
    names = pkcs11.Attribute
    facts = {names.SENSITIVE: True, names.EXTRACTABLE: False, names.PRIVATE: True, names.DERIVE: False}
    assert {name: private[name] for name in facts} == facts
    assert private[names.ALWAYS_SENSITIVE] and private[names.NEVER_EXTRACTABLE] and private[names.LOCAL]
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        private[names.VALUE]


def test_an_extractable_key_is_not_used(token: Token) -> None:
    label = fresh()
    token._session()
    session = token._token.open(rw=True)
    parameters = session.create_domain_parameters(
        pkcs11.KeyType.EC,
        {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp256r1")},
        local=True,
    )
    parameters.generate_keypair(store=True, label=label, private_template={pkcs11.Attribute.EXTRACTABLE: True})
    with pytest.raises(TrustError, match="expected one that cannot leave the token") as caught:
        token.key(label)
    assert caught.value.reason == "key-malformed"


def test_a_label_is_given_once_and_missing_ones_are_named(token: Token) -> None:
    label = fresh()
    token.generate_key(label, "p256")
    with pytest.raises(TrustError) as caught:
        token.generate_key(label, "p256")
    assert caught.value.reason == "key-exists"
    with pytest.raises(TrustError, match=f"its keys: .*{label}") as caught:
        token.key("no such key")
    assert caught.value.reason == "key-missing"
    with pytest.raises(TrustError, match="p256 or p384"):
        token.generate_key(fresh(), "ed25519")
    assert label in token.labels()


def test_each_thread_has_a_session_of_its_own(token: Token) -> None:
    key = token.generate_key(fresh(), "p256")
    sessions: list[object] = []
    problems: list[BaseException] = []
    meet = threading.Barrier(3)

    def work() -> None:
        try:
            for number in range(20):
                data = b"%d" % number
                key.public_key().verify(key.sign(data, SHA256), data, SHA256)
            sessions.append(token._session())
            meet.wait(30)  # all are open at once, so that none reuses another's place
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len({id(session) for session in (*sessions, token._session())}) == 4
    assert key.sign(b"after the threads are gone", SHA256)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_logs_in_for_itself_and_the_parent_goes_on(token: Token) -> None:
    key = token.generate_key(fresh(), "p256")
    key.sign(b"before", SHA256)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, key.sign(b"data", SHA256))
        finally:
            os._exit(0)
    os.close(writing)
    key.public_key().verify(os.read(reading, 200), b"data", SHA256)
    os.close(reading)
    assert os.waitpid(child, 0)[1] == 0
    assert key.sign(b"after", SHA256)


SPAWNED = """
import os, sys
from pathlib import Path
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from prcard.keys.pkcs11 import Token
from prcard.keys.secret import secret_from_descriptor
module, label, key = sys.argv[1:]
with Token(Path(module), label, lambda: secret_from_descriptor(0)) as token:
    os.write(1, token.key(key).sign(b"data", ec.ECDSA(hashes.SHA256())))
"""


def test_a_spawned_child_opens_the_token(token: Token, soft_token: Any) -> None:
    label = fresh()
    key = token.generate_key(label, "p256")
    command = [sys.executable, "-c", SPAWNED, str(soft_token.module), soft_token.label, label]
    done = subprocess.run(command, input=soft_token.pin, capture_output=True, check=True)
    key.public_key().verify(done.stdout, b"data", SHA256)


def test_a_module_that_cannot_lock_takes_turns(soft_token: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class CannotLock:
        def __init__(self, _: str) -> None:
            self.C_Finalize = lambda _: 0
            self.C_Initialize = lambda arguments: 0xA if arguments else 0

    monkeypatch.setattr(adapter, "_turns", {})
    monkeypatch.setattr(ctypes, "CDLL", CannotLock)
    turn = adapter._allow_threads(soft_token.module)
    with turn, turn:
        assert adapter._allow_threads(soft_token.module) is turn


def test_a_closed_token_logs_in_again(soft_token: Any) -> None:
    asked = []

    def ask() -> Secret:
        asked.append(1)
        return Secret(soft_token.pin)

    token = Token(soft_token.module, soft_token.label, ask)
    assert asked == []
    label = fresh()
    key = token.generate_key(label, "p256")
    assert len(asked) == 1
    token.close()
    token.close()
    assert key.sign(b"data", SHA256)
    assert len(asked) == 2
    token.close()


@pytest.mark.parametrize("first_ends", [True, False])
def test_two_tokens_of_one_process_share_the_login_until_the_last_ends(soft_token: Any, first_ends: bool) -> None:
    first, second = (Token(soft_token.module, soft_token.label, lambda: Secret(soft_token.pin)) for _ in range(2))
    label = fresh()
    first.generate_key(label, "p256")
    keys = {first: first.key(label), second: second.key(label)}
    ended, stays = (first, second) if first_ends else (second, first)
    ended.close()
    assert keys[stays].sign(b"data", SHA256)
    stays.close()
    wrong = Token(soft_token.module, soft_token.label, lambda: Secret(b"wrong-pin"))
    with pytest.raises(TrustError) as caught:
        wrong.labels()
    assert caught.value.reason == "pin-wrong"


def test_a_wrong_pin(soft_token: Any) -> None:
    token = Token(soft_token.module, soft_token.label, lambda: Secret(b"wrong-pin"))
    with pytest.raises(TrustError, match="expected its user PIN") as caught:
        token.labels()
    assert caught.value.reason == "pin-wrong"
    assert "locks" in caught.value.advice


@pytest.mark.parametrize("module", ["/nowhere/module.so", "/etc/passwd", "libz.so.1"])
def test_a_module_that_is_none(module: str) -> None:
    with pytest.raises(TrustError, match="expected a PKCS#11 library that starts") as caught:
        Token(Path(module), "issuer", lambda: Secret(b"x"))
    assert caught.value.reason == "hsm-module-missing"


def test_no_such_token(soft_token: Any) -> None:
    with pytest.raises(TrustError, match="expected one token of label nobody, found 0") as caught:
        Token(soft_token.module, "nobody", lambda: Secret(b"x"))
    assert caught.value.reason == "token-missing"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, soft_token: Any) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pkcs11":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TrustError, match=r"prcard\[hsm\]") as caught:
        Token(soft_token.module, soft_token.label, lambda: Secret(b"x"))
    assert caught.value.reason == "hsm-support-not-installed"


REMOVED = """
import shutil, sys
from pathlib import Path
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from prcard.errors import TrustError
from prcard.keys.pkcs11 import Token
from prcard.keys.secret import Secret
module, label, pin, tokens = sys.argv[1:]
token = Token(Path(module), label, lambda: Secret(pin.encode()))
key = token.generate_key("k", "p256")
key.sign(b"data", ec.ECDSA(hashes.SHA256()))
shutil.rmtree(tokens)
again = lambda: key.sign(b"data", ec.ECDSA(hashes.SHA256()))
for act in (again, lambda: token.key("k"), lambda: Token(Path(module), label, None)):
    try:
        act()
    except TrustError as error:
        print(error.reason)
"""


def test_a_token_that_is_pulled_out(tmp_path: Path, make_token: Any) -> None:
    soft = make_token(tmp_path, "pulled")
    arguments = [str(soft.module), soft.label, soft.pin.decode(), str(tmp_path / "tokens")]
    done = subprocess.run(
        [sys.executable, "-c", REMOVED, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")},
    )
    reasons = done.stdout.split()
    assert reasons[0] == "token-removed"
    assert set(reasons) <= {"token-removed", "token-missing", "key-missing"}
    assert len(reasons) == 3


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("PinIncorrect", "pin-wrong"),
        ("PinLenRange", "pin-wrong"),
        ("PinLocked", "pin-locked"),
        ("DeviceRemoved", "token-removed"),
        ("SessionHandleInvalid", "token-removed"),
        ("TokenWriteProtected", "token-refused"),
        ("MechanismInvalid", "token-refused"),
    ],
)
def test_each_answer_of_a_token_has_its_reason(kind: str, reason: str, token: Token) -> None:
    def fail() -> None:
        raise getattr(pkcs11.exceptions, kind)("vendor's text")

    with pytest.raises(TrustError, match="token issuer") as caught:
        token._translated(fail)
    assert caught.value.reason == reason
    assert caught.value.advice
    assert "vendor's text" not in str(caught.value)


def test_it_shows_no_pin(token: Token, soft_token: Any) -> None:
    key = token.generate_key(fresh(), "p256")
    assert isinstance(key, ExternalKey)
    for shown in (repr(token), repr(key), repr(vars(token)), repr(vars(key))):
        assert soft_token.pin.decode() not in shown
