"""`prcard trust`: an issuer's ceremony step by step, and a counter's trust folder."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from prcard.cli.ceremony import (
    FILE,
    KeyPlace,
    Step,
    aloud,
    check_pair,
    check_previous,
    count_of,
    describe_certificate,
    encode_certificate,
    json_option,
    key_options,
    new_key_options,
    out_option,
    previous_options,
    profile_options,
    random_serial,
    read_certificate,
    read_file,
    step_options,
    transcript_of,
)
from prcard.cli.output import print_json, say
from prcard.cli.publishing import sign, status_group, store_group
from prcard.cli.trust_folder import anchor, show, update
from prcard.keys.count import count_document
from prcard.store.issuer_profiles import ISSUER_FIELDS, remarks
from prcard.trust.certificate_profile import (
    DOCUMENT_TYPE,
    TEST_MARK,
    check_link,
    fingerprint,
    usage_period,
)
from prcard.trust.certificates import IssuerProfile, issue_crl, issue_csca, issue_link, issue_signer, request_signer
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import parse_crl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


__all__ = ["command"]

SERIAL_BITS = 150
DOCUMENT_TYPES_HELP = "IR signs cards, SL status lists, TS the manifest of a trust store. Repeat it."


@click.group("trust")
def command() -> None:
    """Be an issuer step by step, and keep a trust folder up to date.

    \b
    Example:
      prcard trust show trust
    """


@command.group("profile")
def profile_group() -> None:
    """An issuer's policy."""


@command.group("csca")
def csca_group() -> None:
    """The issuer's own key and certificate."""


@command.group("dsc")
def dsc_group() -> None:
    """Signers of cards and of status lists."""


@command.group("crl")
def crl_group() -> None:
    """Revoked signers."""


for part in (status_group, store_group, sign, anchor, update, show):
    command.add_command(part)


_TEST_ONLY = click.option("--test-only", is_flag=True, help="Say that this is for tests; the names must say so too.")


def _check_test_mark(names: Iterable[str], test_only: bool) -> None:
    """TEST ONLY is said twice, by name and by option, or not at all."""
    marked = any(TEST_MARK in name for name in names)
    if marked and not test_only:
        raise click.UsageError(f"The names say {TEST_MARK}: give --test-only, or names of a productive issuer.")
    if test_only and not marked:
        raise click.UsageError(f"--test-only needs {TEST_MARK} in the organisation or in --name.")


@profile_group.command("check")
@profile_options
@json_option
def profile_check(*, profile: IssuerProfile, as_json: bool) -> None:
    """Check an issuer's policy, and remark what is unusual.

    \b
    Example:
      prcard trust profile check --profile issuer.toml
    """
    values = {name: getattr(profile, name) for name in ISSUER_FIELDS}
    values |= {"signer_days": profile.signer_days, "csca_days": profile.csca_days}
    found = remarks(profile)
    if as_json:
        print_json({"profile": values, "remarks": list(found)})
        return
    for name, value in values.items():
        say(f"  {name}: {value}")
    for remark in found:
        say(f"Remark: {remark}")
    say("In order." if not found else "In order, with remarks.")


@csca_group.command("init")
@profile_options
@click.option("--name", "common_name", required=True, help="Common name, such as 'CSCA 1'.")
@out_option
@_TEST_ONLY
@new_key_options
@key_options
@step_options
def csca_init(
    *,
    profile: IssuerProfile,
    common_name: str,
    out: Path,
    test_only: bool,
    curve: str,
    existing_key: bool,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Make an issuer: its key and its self-signed certificate.

    The key never leaves the file or token that it is made in. Do this on a machine without a network.

    \b
    Example:
      prcard trust csca init --profile issuer.toml --name "CSCA 1" --key csca.key.pem --out csca.pem
    """
    _check_test_mark((profile.organization, common_name), test_only)
    outputs = (out,) if existing_key else (out, *key.new_file)
    with Step("csca init", transcript_of(out), outputs, operator) as step:
        with key.open() if existing_key else key.make(curve, step) as private:
            csca = issue_csca(profile, private, common_name=common_name, serial=random_serial(), not_before=step.at)
        step.write(out, encode_certificate(csca, out))
        _tell(step, csca, key, "An issuer was made: its certificate, signed by its own key.")
        step.fact("Its key may sign until", usage_period(csca).end.date())
        step.finish(as_json=as_json)


def _tell(step: Step, certificate: x509.Certificate, key: KeyPlace | None, what: str) -> None:
    step.fact("What", what)
    for name, value in describe_certificate(certificate).items():
        step.fact(name, value)
    if key is not None:
        step.fact("Key", key)


@csca_group.command("link")
@profile_options
@click.option("--old", type=FILE, required=True, help="Certificate of the issuer trusted so far.")
@click.option("--new", type=FILE, required=True, help="Certificate of its successor.")
@out_option
@key_options
@step_options
def csca_link(
    *, profile: IssuerProfile, old: Path, new: Path, out: Path, key: KeyPlace, operator: str | None, as_json: bool
) -> None:
    """Let an old issuer vouch for its successor.

    The key is the old issuer's. Counters do not follow a link on their own: it is shown to their operators.

    \b
    Example:
      prcard trust csca link --profile issuer.toml --old csca.pem --new csca2.pem --key csca.key.pem --out link.pem
    """
    before, after = read_certificate(old), read_certificate(new)
    with Step("csca link", transcript_of(out), (out,), operator) as step:
        with key.open() as private:
            check_pair(before, private)
            link = issue_link(profile, before, private, after, serial=random_serial(), not_before=step.at)
        check_link(link, before, after)
        step.write(out, encode_certificate(link, out))
        _tell(step, after, key, "The old issuer vouches for a new one.")
        step.fact("Old issuer's fingerprint (SHA-256)", aloud(fingerprint(before)))
        step.finish(as_json=as_json)


@dsc_group.command("request")
@profile_options
@click.option("--name", "common_name", required=True, help="Common name, such as 'DSC 1'.")
@out_option
@_TEST_ONLY
@new_key_options
@key_options
@step_options
def dsc_request(
    *,
    profile: IssuerProfile,
    common_name: str,
    out: Path,
    test_only: bool,
    curve: str,
    existing_key: bool,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Make a signer's key and the request that goes to the issuer.

    \b
    Example:
      prcard trust dsc request --profile issuer.toml --name "DSC 1" --key dsc.key.pem --out dsc.csr
    """
    _check_test_mark((profile.organization, common_name), test_only)
    outputs = (out,) if existing_key else (out, *key.new_file)
    with Step("dsc request", transcript_of(out), outputs, operator) as step:
        with key.open() if existing_key else key.make(curve, step) as private:
            request = request_signer(profile, private, common_name=common_name)
        step.write(out, encode_certificate(request, out))
        step.fact("What", "A signer's key was made, and a request for its certificate.")
        step.fact("Subject", request.subject.rfc4514_string())
        step.fact("Key", key)
        step.fact("Public key (SHA-256), read it aloud", aloud(_key_digest(request)))
        step.finish(as_json=as_json)


def _key_digest(request: x509.CertificateSigningRequest) -> str:
    key = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def _read_request(path: Path) -> x509.CertificateSigningRequest:
    data = read_file(path)
    try:
        load = x509.load_pem_x509_csr if b"-----BEGIN" in data else x509.load_der_x509_csr
        request = load(data)
        good = isinstance(request.public_key(), ec.EllipticCurvePublicKey) and request.subject.rfc4514_string()
    except (ValueError, UnsupportedAlgorithm):
        good = ""
    if not good:
        detail = f"{path}: expected a certificate request on P-256 or P-384, found none"
        raise refusal(TrustReason.CERTIFICATE_MALFORMED, detail)
    return request


@dsc_group.command("issue")
@profile_options
@click.option("--csca", type=FILE, required=True, help="The issuer's certificate.")
@click.option("--request", type=FILE, required=True, help="The signer's request.")
@click.option("--type", "types", multiple=True, default=(DOCUMENT_TYPE,), show_default=True, help=DOCUMENT_TYPES_HELP)
@out_option
@key_options
@step_options
def dsc_issue(
    *,
    profile: IssuerProfile,
    csca: Path,
    request: Path,
    types: tuple[str, ...],
    out: Path,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Issue a signer's certificate on its request, and the file that counts its signatures.

    The key is the issuer's. Compare the public key's digest with the transcript of the request before you go on.

    \b
    Example:
      prcard trust dsc issue --profile issuer.toml --csca csca.pem --request dsc.csr --key csca.key.pem --out dsc.pem
    """
    issuer, wanted = read_certificate(csca), _read_request(request)
    count = count_of(out)
    with Step("dsc issue", transcript_of(out), (out, count), operator) as step:
        with key.open() as private:
            check_pair(issuer, private)
            signer = issue_signer(
                profile, wanted, issuer, private, serial=random_serial(), not_before=step.at, document_types=types
            )
        step.write(out, encode_certificate(signer, out))
        step.write(count, count_document(signer, profile.signer_budget), mode=0o600)
        _tell(step, signer, key, "A signer's certificate was issued.")
        step.fact("Public key (SHA-256), as in the transcript of the request", aloud(_key_digest(wanted)))
        step.fact("May sign", ", ".join(types))
        step.fact("Its key may sign until", usage_period(signer).end.date())
        step.fact("Its key may sign so often", profile.signer_budget)
        step.finish(as_json=as_json)


@crl_group.command("issue")
@click.option("--csca", type=FILE, required=True, help="The issuer's certificate.")
@previous_options("list")
@click.option("--revoke", type=FILE, multiple=True, help="Certificate of a signer to revoke. Repeat it.")
@click.option("--days", type=click.IntRange(1, 90), default=90, show_default=True, help="Until the next list.")
@out_option
@key_options
@step_options
def crl_issue(
    *,
    csca: Path,
    previous: Path | None,
    first: bool,
    revoke: tuple[Path, ...],
    days: int,
    out: Path,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Issue the list of revoked signers, also when none is revoked.

    The key is the issuer's. What the previous list revokes stays revoked.

    \b
    Example:
      prcard trust crl issue --csca csca.pem --previous 1.crl --revoke dsc.pem --key csca.key.pem --out 2.crl
    """
    check_previous(previous, first)
    issuer, gone = read_certificate(csca), [read_certificate(path) for path in revoke]
    before = None if previous is None else parse_crl(read_file(previous), [issuer])
    number = 1 if before is None else before.number + 1
    for certificate in gone:
        if certificate.issuer != issuer.subject:
            raise refusal(TrustReason.ISSUER_UNKNOWN, "--revoke: expected a signer of this issuer, found another's")
    with Step("crl issue", transcript_of(out), (out,), operator) as step:
        revoked = {certificate.serial_number: step.at for certificate in gone}
        revoked |= {} if before is None else dict(before.revoked)
        end = step.at + timedelta(days=days)
        with key.open() as private:
            check_pair(issuer, private)
            crl = issue_crl(issuer, private, number=number, this_update=step.at, next_update=end, revoked=revoked)
        data = crl.public_bytes(Encoding.DER)
        parse_crl(data, [issuer])
        step.write(out, data)
        step.fact("What", f"List number {number} of revoked signers was issued.")
        step.fact("Issuer", issuer.subject.rfc4514_string())
        step.fact("Revoked", ", ".join(f"{serial:x}" for serial in sorted(revoked)) or "none")
        step.fact("Next list by", end.date())
        step.finish(as_json=as_json)
