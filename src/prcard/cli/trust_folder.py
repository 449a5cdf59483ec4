"""`prcard trust show`, `update` and `anchor`: what a counter holds, pulls and pins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.cli.ceremony import FILE, aloud, describe_certificate, json_option, read_certificate, read_file
from prcard.cli.judging import now
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import TrustError
from prcard.store.captures import write_whole
from prcard.store.fetch import open_source
from prcard.store.trust import check_store, current_store, load_seen, load_trust, pinned_issuers
from prcard.store.update import update_trust
from prcard.trust.certificate_profile import (
    TEST_MARK,
    check_anchor,
    check_link,
    document_types,
    fingerprint,
    is_test_only,
    load_certificate,
)
from prcard.trust.manifest import MANIFEST_NAME, parse_manifest
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.status_list import parse_status_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prcard.trust.material import TrustMaterial

__all__ = ["anchor", "show", "update"]


@click.command("update")
@click.argument("source")
@click.option("--trust", type=click.Path(path_type=Path, file_okay=False), required=True, help="The trust folder.")
@json_option
def update(*, source: str, trust: Path, as_json: bool) -> None:
    """Pull what a back office publishes into a trust folder.

    SOURCE is a folder, or an address that begins with file:, http: or https:. Whatever fails, the old version stays in
    use. A new issuer in the store is reported and not trusted.

    \b
    Example:
      prcard trust update https://issuer.example/trust --trust trust
    """
    result = update_trust(trust, open_source(source), now())
    pinned = [load_certificate(data) for data in pinned_issuers(trust)]
    offered = [_offer(path, certificate, result.folder, pinned) for path, certificate in result.offered.items()]
    lists = _lists(result.material)
    document = {"changed": result.changed, "number": result.number, "folder": str(result.folder)}
    if as_json:
        print_json({**document, "lists": lists, "offered": offered})
        return
    say(f"Version {result.number} is {'now' if result.changed else 'already'} in use.")
    _print_items(lists)
    for item in offered:
        say(f"A new issuer is offered and NOT trusted: {item['subject']}")
        say(f"  fingerprint {aloud(str(item['fingerprint']))}")
        say(f"  vouched for by {item['vouched_by'] or 'nobody that is pinned here'}")
        say(f"  To trust it: prcard trust anchor add {item['file']} --trust {trust}")


def _offer(
    path: Path, certificate: x509.Certificate, version: Path, pinned: list[x509.Certificate]
) -> dict[str, str | None]:
    links = [load_certificate(read_file(link)) for link in sorted((version / "links").glob("*.der"))]
    return {
        "file": str(path),
        "subject": certificate.subject.rfc4514_string(),
        "fingerprint": fingerprint(certificate),
        "vouched_by": _voucher(links, pinned, certificate),
    }


def _voucher(
    links: Iterable[x509.Certificate], pinned: Iterable[x509.Certificate], new: x509.Certificate
) -> str | None:
    """Finds the pinned issuer that a link certificate joins with `new`."""
    for link in links:
        for old in pinned:
            try:
                check_link(link, old, new)
            except TrustError:
                continue
            return old.subject.rfc4514_string()
    return None


def _lists(material: TrustMaterial) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        _item("crl", crl.issuer.subject.rfc4514_string(), **_age(crl), revoked=len(crl.revoked))
        for crl in material.crls
    ]
    return found + [_item("status-list", f"list {item.list_id}", **_age(item)) for item in material.status_lists]


def _age(item: Any) -> dict[str, Any]:
    return {
        "number": item.number,
        "as_of": item.this_update.isoformat(),
        "next_update": item.next_update.isoformat(),
        "stale": item.next_update < now(),
    }


def _item(kind: str, name: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "facts": {key: str(value) for key, value in facts.items()}}


def _print_items(items: Iterable[Mapping[str, Any]]) -> None:
    for item in items:
        say(f"  {item['kind']}: {item['name']}")
        for name, value in item["facts"].items():
            say(f"      {name}: {value}")


@click.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def show(*, path: Path, as_json: bool) -> None:
    """Show what a trust folder, a published store, a certificate or a list holds.

    Nothing is judged: a stale list is shown as stale, a file that is none of ours is refused.

    \b
    Example:
      prcard trust show trust
    """
    document = _folder_document(path) if path.is_dir() else _file_document(path)
    if as_json:
        print_json(document)
        return
    for name in ("published", "seen"):
        if document[name] is not None:
            say(f"{name}: {document[name]}")
    _print_items(document["items"])


def _folder_document(path: Path) -> dict[str, Any]:
    if (path / MANIFEST_NAME).exists() or (path / "csca").exists():
        material = load_trust(path)
    else:
        raise refusal(TrustReason.NO_ANCHOR, f"{path}: expected a trust folder with csca/*.der, found none")
    version = current_store(path)
    manifest = check_store(path if version is None else version) if version or (path / MANIFEST_NAME).exists() else None
    seen = load_seen(path)
    items = [_certificate_item("issuer", certificate) for certificate in material.anchors]
    items += [_certificate_item("signer", certificate) for certificate in material.signers]
    return {
        "path": str(path),
        "published": None if manifest is None else manifest.number,
        "seen": {"store": seen.store, "crls": dict(seen.crls), "status": {str(k): v for k, v in seen.status.items()}},
        "items": items + _lists(material),
    }


def _certificate_item(kind: str, certificate: x509.Certificate) -> dict[str, Any]:
    facts = {name.partition(",")[0]: value for name, value in describe_certificate(certificate).items()}
    return {"kind": kind, "name": facts.pop("Subject"), "facts": facts}


def _file_document(path: Path) -> dict[str, Any]:
    data = read_file(path)
    for describe in (_describe_certificate, _describe_crl, _describe_status, _describe_manifest):
        item = describe(path, data)
        if item is not None:
            return {"path": str(path), "published": None, "seen": None, "items": [item]}
    detail = f"{path}: expected a certificate, CRL, status list or manifest, found none of them"
    raise refusal(TrustReason.BAD_ARGUMENT, detail)


def _describe_certificate(path: Path, _: bytes) -> dict[str, Any] | None:
    try:
        certificate = read_certificate(path)
        kind = "issuer" if certificate.issuer == certificate.subject else "signer"
        item = _certificate_item(kind, certificate)
        if kind == "signer":
            item["facts"]["May sign"] = ", ".join(sorted(document_types(certificate)))
    except TrustError:
        return None
    return item


def _describe_crl(_: Path, data: bytes) -> dict[str, Any] | None:
    try:
        crl = x509.load_der_x509_crl(data)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.ExtensionNotFound):
        return None
    facts = {"number": number, "as_of": crl.last_update_utc, "next_update": crl.next_update_utc, "revoked": len(crl)}
    return _item("crl", crl.issuer.rfc4514_string(), **facts)


def _describe_status(_: Path, data: bytes) -> dict[str, Any] | None:
    try:
        item = parse_status_list(data)
    except TrustError:
        return None
    signer = item.certificate.subject.rfc4514_string()
    return _item(
        "status-list", f"list {item.list_id}", **_age(item), entries=item.entries, bits=item.bits, signer=signer
    )


def _describe_manifest(_: Path, data: bytes) -> dict[str, Any] | None:
    try:
        manifest = parse_manifest(data)
    except TrustError:
        return None
    signer = manifest.certificate.subject.rfc4514_string()
    return _item("manifest", f"version {manifest.number}", files=len(manifest.files), signer=signer)


@click.group("anchor")
def anchor() -> None:
    """Issuers that a trust folder pins."""


@anchor.command("add")
@click.argument("file", type=FILE)
@click.option("--trust", type=click.Path(path_type=Path, file_okay=False), required=True, help="The trust folder.")
@click.option("--fingerprint", "expected", metavar="HEX", help="The fingerprint that you were told.")
@click.option("--link", type=FILE, help="Certificate by which a pinned issuer vouches for this one.")
@click.option("--test-only", is_flag=True, help="Say that you mean to trust a TEST ONLY issuer, in training.")
@click.option("--yes", is_flag=True, help="Do not ask: you compared the fingerprint already.")
@json_option
def anchor_add(
    *,
    file: Path,
    trust: Path,
    expected: str | None,
    link: Path | None,
    test_only: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Pin an issuer, on your word: every card that it or its signers sign will be believed here.

    Compare the fingerprint with one that you got in another way than the file.

    \b
    Example:
      prcard trust anchor add csca.pem --trust trust
    """
    certificate = read_certificate(file)
    check_anchor(certificate)
    if is_test_only(certificate) and not test_only:
        raise click.UsageError(f"This issuer is {TEST_MARK}: give --test-only, and use the folder in training alone.")
    if (trust / MANIFEST_NAME).exists():
        raise click.UsageError("This folder is a published store. Pin issuers in a folder of your own and update it.")
    item = _certificate_item("issuer", certificate)
    voucher = _checked_voucher(trust, link, certificate)
    if voucher is not None:
        item["facts"]["Vouched for by"] = voucher
    if not as_json:
        _print_items([item])
    _confirm(certificate, expected, yes=yes)
    path = trust / "csca" / f"{fingerprint(certificate)[:16]}.der"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{path.parent}: found {error.strerror}") from None
    write_whole(path, certificate.public_bytes(Encoding.DER))
    if as_json:
        print_json({"path": str(path), "published": None, "seen": None, "items": [item]})
    else:
        say(f"Pinned in {path}.")
    return ExitCode.DONE


def _checked_voucher(trust: Path, link: Path | None, new: x509.Certificate) -> str | None:
    if link is None:
        return None
    pinned = [load_certificate(data) for data in pinned_issuers(trust)]
    voucher = _voucher([read_certificate(link)], pinned, new)
    if voucher is None:
        detail = "link: expected that a pinned issuer vouches for this one, found none that does"
        raise refusal(TrustReason.LINK_WRONG, detail)
    return voucher


def _confirm(certificate: x509.Certificate, expected: str | None, *, yes: bool) -> None:
    if expected is not None:
        wanted = "".join(expected.replace(":", "").split()).lower()
        if wanted != fingerprint(certificate):
            detail = "fingerprint: expected the one that you were told, found another"
            raise refusal(TrustReason.STORE_UNTRUSTED, detail)
        return
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: give --fingerprint HEX, or --yes when you have compared it.")
    click.confirm("Is this the fingerprint that you were told?", abort=True, err=True)
