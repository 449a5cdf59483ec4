"""The ceremony: the how-to pages run as they stand, on a terminal; and what each step refuses."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from prcard.cli.trust import command
from prcard.keys import pem
from prcard.store.trust import load_trust
from prcard.trust.certificate_profile import document_types

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "five random words of nobody"
PROFILE = (
    (ROOT / "docs" / "how-to" / "be-an-issuer.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
)
SPECIMEN = ROOT / "fixtures" / "specimens" / "alice" / "card.capture.json"


def shell_of(page: str) -> str:
    """The commands of a how-to page, without those that need the world outside."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).splitlines()
    return "\n".join(line for line in lines if "pip install" not in line and "issuer.example" not in line)


def on_a_terminal(script: str, folder: Path, answers: dict[bytes, bytes]) -> str:
    """Runs a shell script on a terminal of its own, answering its questions; gives all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        os.execvp("bash", ["bash", "-e", "-u", "-c", script])
    shown, since = b"", b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown, since = shown + data, since + data
        for question, answer in answers.items():
            if since.rstrip(b"\r\n").endswith(question):
                os.write(terminal, answer + b"\n")
                since = b""
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    text = shown.decode("utf-8", "replace")
    assert os.waitstatus_to_exitcode(status) == 0, text[-3000:]
    return text


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "issuer.toml").write_text(PROFILE, encoding="utf-8")
    shutil.copy(SPECIMEN, tmp_path / "card.capture.json")
    return tmp_path


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_ceremony_of_the_pages_on_files(desk: Path) -> None:
    answers = {
        b"Passphrase for the new key file: ": PASSPHRASE.encode(),
        b"The same again: ": PASSPHRASE.encode(),
        b"Passphrase of the key file: ": PASSPHRASE.encode(),
        b"[y/N]: ": b"y",
    }
    shown = on_a_terminal(shell_of("be-an-issuer"), desk, answers)
    assert "PASSED (training" in shown
    assert "dsc.pem: OK" in shown
    assert "CMS Verification successful" in shown
    crl = x509.load_der_x509_crl((desk / "revoking.crl").read_bytes())
    assert len(crl) == 1
    assert json.loads((desk / "dsc.pem.count").read_text())["used"] == 1
    assert json.loads((desk / "sl.pem.count").read_text())["used"] == 2
    shutil.rmtree(desk / "store-1")
    (desk / "store-1.transcript.txt").unlink()
    shown += on_a_terminal(shell_of("publish-and-pull-trust"), desk, answers)
    assert "Version 1 is now in use." in shown
    assert "Vouched for by: CN=TEST ONLY CSCA 1" in shown
    assert len(load_trust(desk / "trust").anchors) == 2
    written = [path.read_bytes() for path in desk.rglob("*") if path.is_file()]
    assert PASSPHRASE not in shown
    assert not any(PASSPHRASE.encode() in data for data in written)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_ceremony_of_the_page_in_a_token(desk: Path, soft_token: Any) -> None:
    shown = on_a_terminal(shell_of("keep-keys-in-an-hsm"), desk, {b"PIN of token issuer: ": soft_token.pin})
    assert "PASSED (training" in shown
    assert "dsc.pem: OK" in shown
    assert "CMS Verification successful" in shown
    assert soft_token.pin.decode() not in shown
    assert list(desk.glob("*.key.pem")) == []
    transcript = (desk / "csca.pem.transcript.txt").read_text()
    assert "key 'csca' in token 'issuer', made there and not extractable" in transcript


class Desk:
    """Steps in this process, with the passphrase by a descriptor."""

    def __init__(self, run: Callable[..., Any], folder: Path) -> None:
        self.folder = folder
        self._run = run

    def __call__(self, *arguments: object, passphrase: str = PASSPHRASE, secret: str = "--passphrase-fd") -> Any:
        reading, writing = os.pipe()
        os.write(writing, passphrase.encode() + b"\n")
        os.close(writing)
        try:
            return self._run("trust", *arguments, secret, reading)
        finally:
            os.close(reading)

    def plain(self, *arguments: object) -> Any:
        return self._run("trust", *arguments)

    def init(self, name: str = "csca", *more: object) -> Any:
        """An issuer with that name of its files."""
        return self(
            *("csca", "init", "--profile", "issuer.toml", "--name", f"TEST ONLY {name}", "--test-only"),
            *("--key", f"{name}.key", "--out", f"{name}.pem", "--json", *more),
        )

    def signer(self, name: str, kind: str, *more: object) -> None:
        """A signer of this issuer."""
        words = ("--profile", "issuer.toml", "--name", f"TEST ONLY {name}", "--test-only")
        assert self("dsc", "request", *words, "--key", f"{name}.key", "--out", f"{name}.csr").code == 0
        certify = ("--profile", "issuer.toml", "--csca", "csca.pem", "--key", "csca.key", "--type", kind)
        assert self("dsc", "issue", *certify, "--request", f"{name}.csr", "--out", f"{name}.pem", *more).code == 0


@pytest.fixture
def office(desk: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(desk)
    monkeypatch.setattr(pem, "ITERATIONS", 1000)  # for speed; keys/test_pem.py sees the real number
    return Desk(run, desk)


def refused(result: Any, reason: str, code: int = 5) -> str:
    assert result.code == code, result.err
    assert reason in result.err
    return str(result.err)


def test_every_step_prints_one_document_and_a_transcript(office: Desk) -> None:
    document = office.init().document("ceremony-step")
    assert document["step"] == "csca init"
    assert {Path(file["path"]).name for file in document["files"]} == {"csca.key", "csca.pem"}
    transcript = Path(document["transcript"]).read_text()
    for words in ("Transcript of: prcard trust csca init", "TEST ONLY csca", "Fingerprint (SHA-256), read it aloud"):
        assert words in transcript
    assert (office.folder / "csca.key").stat().st_mode & 0o777 == 0o600
    assert "in order" in office.plain("profile", "check", "--profile", "issuer.toml").out.lower()
    odd = office.plain("profile", "check", "--profile", "issuer.toml", "--signer-key-days", "200", "--json")
    assert "signer_key_days is 200" in odd.document("issuer-profile")["remarks"][0]
    odd = office.plain("profile", "check", "--profile", "issuer.toml", "--signer-key-days", "200")
    assert "Remark: signer_key_days is 200" in odd.out


def test_nothing_is_overwritten(office: Desk) -> None:
    office.init()
    made = {name: (office.folder / name).read_bytes() for name in ("csca.key", "csca.pem", "csca.pem.transcript.txt")}
    for taken, data in made.items():
        for name in made:
            (office.folder / name).unlink(missing_ok=True)
        (office.folder / taken).write_bytes(data)
        assert taken in refused(office.init(), "the output exists already")
        assert (office.folder / taken).read_bytes() == data
        assert [name for name in made if (office.folder / name).exists()] == [taken]
        (office.folder / taken).unlink()
        (office.folder / taken).symlink_to("nowhere")
        refused(office.init(), "the output exists already")


def test_a_step_that_fails_leaves_nothing_and_can_be_done_again(office: Desk) -> None:
    words = ("csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY " + "x" * 60, "--test-only")
    result = office(*words, "--key", "csca.key", "--out", "csca.pem")
    assert result.code != 0
    assert sorted(path.name for path in office.folder.iterdir()) == ["card.capture.json", "issuer.toml"]
    assert office.init().code == 0


def test_test_only_is_said_twice_or_not_at_all(office: Desk) -> None:
    words = ("csca", "init", "--profile", "issuer.toml", "--key", "k", "--out", "c.pem", "--name")
    refused(office(*words, "CSCA"), "give --test-only", 2)
    refused(office(*words, "CSCA", "--organization", "Utopia", "--test-only"), "needs TEST ONLY", 2)
    assert office(*words, "CSCA", "--organization", "Utopia").code == 0


def test_where_the_key_is_must_be_said_once(office: Desk) -> None:
    words = ("csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only", "--out", "c.pem")
    for places in ((), ("--key", "k", "--token", "t"), ("--pkcs11", "m", "--token", "t")):
        refused(office(*words, *places), "Say where the key is", 2)


def test_keys_and_passphrases_that_do_not_fit(office: Desk) -> None:
    office.init()
    office.init("other")
    crl = ("crl", "issue", "--csca", "csca.pem", "--first", "--out", "1.crl", "--key")
    refused(office(*crl, "csca.key", passphrase="another passphrase"), "the passphrase is wrong")
    refused(office(*crl, "csca.key", passphrase=""), "no passphrase or PIN was given")
    refused(office(*crl, "other.key"), "expected the one of the certificate")
    refused(office(*crl, "none.key"), "there is no such key")
    plain = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "plain.key"]
    subprocess.run(plain, check=True, capture_output=True)
    refused(office(*crl, "plain.key"), "the key file is not encrypted")
    short = ("csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only", "--out", "x.pem")
    refused(office(*short, "--key", "x.key", passphrase="short"), "the passphrase is too short")
    assert not (office.folder / "1.crl").exists()


def test_secrets_are_no_arguments_and_no_variables(office: Desk) -> None:
    from prcard.cli.reference import leaves

    for name, leaf in leaves():
        for parameter in leaf.params:
            assert not getattr(parameter, "envvar", None), name
            words = [word for option in parameter.opts for word in option.strip("-").split("-")]
            assert not {"pin", "passphrase", "password"} & set(words) or words[-1] == "fd", (name, parameter.opts)


def test_without_a_terminal_nothing_can_be_asked(office: Desk) -> None:
    script = "import sys; from prcard.cli.main import main; main(sys.argv[1:])"
    words = ["trust", "csca", "init", "--profile", "issuer.toml", "--name", "TEST ONLY X", "--test-only"]
    command = [sys.executable, "-c", script, *words, "--key", "k", "--out", "c.pem"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    assert done.returncode == 5
    assert "expected one to ask on, found none" in done.stderr
    assert "--passphrase-fd" in done.stderr


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(("second", "first"), [(b"another passphrase", b"one passphrase"), (b"", b"")])
def test_a_passphrase_is_typed_twice_and_not_empty(second: bytes, first: bytes, desk: Path) -> None:
    words = 'csca init --profile issuer.toml --name "TEST ONLY X" --test-only --key k --out c.pem'
    script = "prcard trust " + words + " || echo code $?"
    answers = {b"new key file: ": first, b"again: ": second}
    assert "code 5" in on_a_terminal(script, desk, answers)
    assert not (desk / "k").exists()


def test_what_an_issuer_does_not_certify(office: Desk) -> None:
    office.init()
    (office.folder / "bad.csr").write_bytes(b"rubbish")
    words = ("dsc", "issue", "--profile", "issuer.toml", "--csca", "csca.pem", "--key", "csca.key", "--out", "d.pem")
    refused(office(*words, "--request", "bad.csr"), "expected a certificate request")
    rsa = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "r.key", "-subj", "/C=UT/CN=x"]
    subprocess.run([*rsa, "-out", "rsa.csr"], check=True, capture_output=True)
    refused(office(*words, "--request", "rsa.csr"), "expected a certificate request on P-256 or P-384")
    refused(office(*words, "--request", "none.csr"), "No such file")
    (office.folder / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    crl = ("crl", "issue", "--first", "--key", "csca.key", "--out", "1.crl", "--csca")
    refused(office(*crl, "bad.pem"), "expected a certificate in PEM or DER")


def test_signers_may_do_several_things_or_one(office: Desk) -> None:
    office.init()
    office.signer("both", "IR", "--type", "SL", "--out", "both.der")
    certificate = x509.load_der_x509_certificate((office.folder / "both.der").read_bytes())
    assert document_types(certificate) == {"IR", "SL"}
    document = json.loads((office.folder / "both.der.count").read_text())
    assert (document["budget"], document["used"]) == (100_000, 0)


def test_crl_numbers_grow_and_what_is_revoked_stays(office: Desk) -> None:
    office.init()
    office.init("other")
    office.signer("dsc", "IR")
    office.signer("sl", "SL")
    words = ("crl", "issue", "--csca", "csca.pem", "--key", "csca.key")
    assert office(*words, "--first", "--out", "1.crl").code == 0
    assert office(*words, "--previous", "1.crl", "--revoke", "dsc.pem", "--out", "2.crl").code == 0
    assert (
        office(*words, "--previous", "2.crl", "--revoke", "sl.pem", "--revoke", "dsc.pem", "--out", "3.crl").code == 0
    )
    crls = [x509.load_der_x509_crl((office.folder / f"{number}.crl").read_bytes()) for number in (1, 2, 3)]
    assert [len(crl) for crl in crls] == [0, 1, 2]
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in crls]
    assert numbers == [1, 2, 3]
    (entry,) = crls[1]
    kept = crls[2].get_revoked_certificate_by_serial_number(entry.serial_number)
    assert kept is not None and kept.revocation_date_utc == entry.revocation_date_utc
    refused(office(*words, "--out", "4.crl"), "Give --previous", 2)
    refused(office(*words, "--first", "--previous", "1.crl", "--out", "4.crl"), "Give --previous", 2)
    refused(office(*words, "--previous", "3.crl", "--revoke", "other.pem", "--out", "4.crl"), "found another's")


def test_an_issuer_in_a_token_is_made_once_and_resumed(office: Desk, soft_token: Any) -> None:
    words = ("csca", "init", "--profile", "issuer.toml", "--test-only", "--name", "TEST ONLY X", "--out", "x.pem")
    token = ("--pkcs11", soft_token.module, "--token", soft_token.label, "--key-label", "resumed")
    pin = {"passphrase": soft_token.pin.decode(), "secret": "--pin-fd"}
    assert office(*words, *token, **pin).code == 0
    (office.folder / "x.pem").unlink()
    (office.folder / "x.pem.transcript.txt").unlink()
    refused(office(*words, *token, **pin), "a key of this name exists already")
    assert office(*words, *token, "--existing-key", **pin).code == 0
    wrong = {"passphrase": "wrong-pin", "secret": "--pin-fd"}
    crl = ("crl", "issue", "--csca", "x.pem", "--first", "--out", "1.crl")
    refused(office(*crl, *token, **wrong), "the PIN is wrong")
    assert office(*crl, *token, **pin).code == 0


def test_the_group_says_what_is_in_it() -> None:
    assert {"csca", "dsc", "crl", "status", "store", "show", "update", "anchor"} <= command.commands.keys()
