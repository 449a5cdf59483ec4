"""`prcard trust status`, `store` and `sign`: what signers sign, and what counters pull."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.cli.ceremony import (
    FILE,
    KeyPlace,
    Step,
    check_previous,
    key_options,
    limited_signer,
    out_option,
    previous_options,
    read_certificate,
    read_file,
    step_options,
    transcript_of,
)
from prcard.record.capture import dump_capture, load_capture
from prcard.store.trust import check_store
from prcard.store.update import publish
from prcard.trust.certificate_profile import (
    DOCUMENT_TYPE,
    STATUS_LIST_TYPE,
    STORE_TYPE,
    check_anchor,
    fingerprint,
    load_certificate,
)
from prcard.trust.manifest import build_manifest
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import issuer_key, parse_crl
from prcard.trust.security_object import StatusReference, build_security_object, zones_of
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import CardStatus, build_status_list, parse_status_list

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from prcard.trust.signer import Signer
    from prcard.trust.status_list import StatusList

__all__ = ["sign", "status_group", "store_group"]

SERIAL_BITS = 150
DOCUMENT_TYPES_HELP = "IR signs cards, SL status lists, TS the manifest of a trust store. Repeat it."


@click.group("status")
def status_group() -> None:
    """Revoked cards."""


@click.group("store")
def store_group() -> None:
    """What counters pull."""


@status_group.command("publish")
@click.option("--signer", type=FILE, required=True, help="Certificate of the signer, document type SL.")
@previous_options("list")
@click.option("--list-id", type=click.IntRange(0, 2**32 - 1), help="Which list; with --first.")
@click.option("--entries", type=click.IntRange(1), help="How many cards the list has; with --first.")
@click.option("--bits", type=click.Choice(["1", "2"]), help="1 knows revoked, 2 also suspended and replaced.")
@click.option("--set", "changes", multiple=True, metavar="ENTRY=STATUS", help="Status of one card. Repeat it.")
@click.option("--statuses", type=FILE, help="CSV file of entry,status lines.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Until the next list.")
@out_option
@key_options
@step_options
def status_publish(
    *,
    signer: Path,
    previous: Path | None,
    first: bool,
    list_id: int | None,
    entries: int | None,
    bits: str | None,
    changes: tuple[str, ...],
    statuses: Path | None,
    days: int,
    out: Path,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Publish the status of all cards of a list.

    A status is valid, revoked, suspended or replaced. What the previous list says of a card stays until it is set anew.

    \b
    Example:
      prcard trust status publish --signer sl.pem --previous 1.status.der --set 7=revoked --key sl.key.pem \\
        --out 2.status.der
    """
    # Long because a list is described by many options and each needs its line.
    check_previous(previous, first)
    before = None if previous is None else parse_status_list(read_file(previous))
    if before is None and (list_id is None or entries is None):
        raise click.UsageError("With --first, give --list-id and --entries.")
    if before is not None and any(value is not None for value in (list_id, entries, bits)):
        raise click.UsageError("--list-id, --entries and --bits are those of the previous list; leave them out.")
    known = _known(before) | _statuses(changes, statuses)
    number = 1 if before is None else before.number + 1
    certificate = read_certificate(signer)
    with Step("status publish", transcript_of(out), (out,), operator) as step, key.open() as private:
        limited = limited_signer(private, certificate, signer, STATUS_LIST_TYPE)
        end = step.at + timedelta(days=days)
        data = build_status_list(
            {entry: status for entry, status in known.items() if status is not CardStatus.VALID},
            limited,
            list_id=before.list_id if before else list_id or 0,
            number=number,
            entries=before.entries if before else entries or 0,
            bits=before.bits if before else int(bits or "1"),
            this_update=step.at,
            next_update=end,
        )
        made = parse_status_list(data)
        step.write(out, data)
        step.fact("What", f"Issue {number} of status list {made.list_id} was signed; it has {made.entries} entries.")
        for status in CardStatus:
            if status is not CardStatus.VALID:
                step.fact(status.name.lower(), sum(value is status for value in known.values()))
        step.fact("Signer", certificate.subject.rfc4514_string())
        step.fact("Next list by", end.date())
        step.finish(as_json=as_json)


def _known(before: StatusList | None) -> dict[int, CardStatus]:
    return {} if before is None else {entry: before.status(entry) for entry in range(before.entries)}


def _statuses(changes: tuple[str, ...], file: Path | None) -> dict[int, CardStatus]:
    rows = [change.partition("=")[::2] for change in changes]
    if file is not None:
        text = io.StringIO(read_file(file).decode("ascii", "replace"))
        rows += [(row[0], row[1]) if len(row) == 2 else ("", "") for row in csv.reader(text) if row]
    names = {status.name.lower(): status for status in CardStatus}
    found: dict[int, CardStatus] = {}
    for number, (entry, status) in enumerate(rows, start=1):
        if not (entry.isascii() and entry.isdigit() and status.strip() in names):
            detail = f"status {number}: expected ENTRY and one of {', '.join(names)}"
            raise refusal(TrustReason.BAD_ARGUMENT, detail)
        found[int(entry)] = names[status.strip()]
    return found


@click.command("sign")
@click.argument("capture", type=FILE)
@click.option("--signer", type=FILE, required=True, help="Certificate of the signer, document type IR.")
@click.option("--status", metavar="LIST:ENTRY", help="The card's place in a status list.")
@out_option
@key_options
@step_options
def sign(
    *,
    capture: Path,
    signer: Path,
    status: str | None,
    out: Path,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Sign one card, to try a new signer; beside the capture lies the security object alone.

    CAPTURE is a saved capture; what is written is the same with a security object, and OUT.sod.der for other verifiers.

    \b
    Example:
      prcard trust sign card.capture.json --signer dsc.pem --key dsc.key.pem --status 1:7 --out signed.capture.json
    """
    card = load_capture(read_file(capture))
    certificate, place = read_certificate(signer), _place(status)
    sod_path = out.with_name(f"{out.name}.sod.der")
    with Step("sign", transcript_of(out), (out, sod_path), operator) as step, key.open() as private:
        limited = limited_signer(private, certificate, signer, DOCUMENT_TYPE)
        sod = build_security_object(zones_of(card), limited, step.at, status=place)
        step.write(out, dump_capture(replace(card, security_object=sod)).encode(), mode=0o600)
        step.write(sod_path, sod)
        step.fact("What", "One card was signed.")
        step.fact("Signer", certificate.subject.rfc4514_string())
        step.fact("Place in a status list", status or "none")
        step.finish(as_json=as_json)


def _place(text: str | None) -> StatusReference | None:
    if text is None:
        return None
    list_id, _, entry = text.partition(":")
    if not (list_id.isascii() and list_id.isdigit() and entry.isascii() and entry.isdigit()):
        raise click.BadParameter("write it as LIST:ENTRY, two numbers", param_hint="--status")
    return StatusReference(int(list_id), int(entry))


@store_group.command("build")
@click.option("--by", type=FILE, required=True, help="Certificate of who signs: the issuer, or a signer of type TS.")
@previous_options("store")
@click.option("--csca", type=FILE, multiple=True, help="Certificate of an issuer. Repeat it.")
@click.option(
    "--link", type=FILE, multiple=True, help="Certificate by which an issuer vouches for the next. Repeat it."
)
@click.option("--signer", type=FILE, multiple=True, help="Certificate of a signer of cards. Repeat it.")
@click.option("--crl", type=FILE, multiple=True, help="List of revoked signers; replaces the issuer's last.")
@click.option("--status", type=FILE, multiple=True, help="Status list; replaces the last of its id.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder; must not be there.")
@key_options
@step_options
def store_build(
    *,
    by: Path,
    previous: Path | None,
    first: bool,
    csca: tuple[Path, ...],
    link: tuple[Path, ...],
    signer: tuple[Path, ...],
    crl: tuple[Path, ...],
    status: tuple[Path, ...],
    out: Path,
    key: KeyPlace,
    operator: str | None,
    as_json: bool,
) -> None:
    """Build the folder that counters pull: certificates, lists and a signed manifest.

    What the previous store holds is carried over; lists replace their predecessors.

    \b
    Example:
      prcard trust store build --by csca.pem --previous store-1 --status 2.status.der --key csca.key.pem --out store-2
    """
    check_previous(previous, first)
    number, files = (1, {}) if previous is None else _previous_store(previous)
    for part, paths in {"csca": csca, "links": link, "signers": signer}.items():
        for path in paths:
            certificate = read_certificate(path)
            files[f"{part}/{fingerprint(certificate)[:16]}.der"] = certificate.public_bytes(Encoding.DER)
    issuers = [load_certificate(data) for path, data in files.items() if path.startswith("csca/")]
    for path in crl:
        _replace(files, *_named_crl(read_file(path), issuers))
    for path in status:
        _replace(files, *_named_status(read_file(path)))
    publisher = read_certificate(by)
    with Step("store build", transcript_of(out), (out,), operator) as step:
        with key.open() as private:
            signing = _publisher(private, publisher, by)
            manifest = build_manifest(files, signing, number=number, issued_at=step.at)
        publish(out, files, manifest)
        step.wrote(out / "manifest.der", manifest)
        step.fact("What", f"Version {number} of the trust store was built and signed.")
        step.fact("Signed by", publisher.subject.rfc4514_string())
        for name, data in sorted(files.items()):
            step.wrote(out / name, data)
        step.finish(as_json=as_json)


def _publisher(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, path: Path) -> Signer:
    """The issuer itself, or a delegate with its count."""
    if certificate.issuer != certificate.subject:
        return limited_signer(key, certificate, path, STORE_TYPE)
    check_anchor(certificate)
    return InMemorySigner(key, certificate)


def _previous_store(folder: Path) -> tuple[int, dict[str, bytes]]:
    manifest = check_store(folder)
    return manifest.number + 1, {path: read_file(folder / path) for path in manifest.files}


def _named_crl(data: bytes, issuers: list[x509.Certificate]) -> tuple[str, str, bytes]:
    crl = parse_crl(data, issuers)
    key = issuer_key(crl.issuer)[:16]
    return f"crls/{key}-", f"crls/{key}-{crl.number:06d}.crl", data


def _named_status(data: bytes) -> tuple[str, str, bytes]:
    item = parse_status_list(data)
    return f"status/{item.list_id}-", f"status/{item.list_id}-{item.number:06d}.der", data


def _replace(files: dict[str, bytes], prefix: str, name: str, data: bytes) -> None:
    """Puts a list in the place of its predecessor, which must not be newer."""
    for older in [path for path in files if path.startswith(prefix)]:
        if older > name:
            raise refusal(TrustReason.STORE_ROLLBACK, f"{name}: expected a list newer than {older} of the last store")
        del files[older]
    files[name] = data
