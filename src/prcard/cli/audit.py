"""`prcard audit`: the audit log, and what is kept of cards."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.acceptance.as_of import china_day
from prcard.cli.judging import Moment, now
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import AuditError
from prcard.store import retention
from prcard.store.audit import AuditLog, check_log, find_number, sign_checkpoint
from prcard.store.audit_keys import ensure_keys, load_keys, rotate_keys
from prcard.store.captures import write_whole

if TYPE_CHECKING:
    from cryptography import x509

    from prcard.trust.signer import InMemorySigner

__all__ = ["command"]

MAX_KEY_BYTES = 65_536

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_LOG = click.argument("log", type=click.Path(path_type=Path, dir_okay=False))
_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
_AUDIT = click.option(
    "--audit", type=click.Path(path_type=Path, dir_okay=False), help="Write what was done to this audit log."
)
_KEY_FILE = click.option(
    "--audit-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key file of the log; default: the log's name with .key.",
)


@click.group("audit")
def command() -> None:
    """Verify the audit log, sign its checkpoints, and apply the rules of retention.

    \b
    Example:
      prcard audit verify audit.log
    """


@command.command("verify")
@_LOG
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Signed checkpoint that was kept elsewhere.",
)
@click.option(
    "--signer",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificate that must have signed the checkpoint, PEM or DER.",
)
@_JSON
def verify(*, log: Path, checkpoint: Path | None, signer: Path | None, as_json: bool) -> int:
    """Look at every entry and find the first that was altered, removed or reordered.

    Entries cut off at the end are found by a checkpoint only. Exit code 0 when all is in order, 1 when it is not.

    \b
    Example:
      prcard audit verify audit.log --checkpoint checkpoint.der --signer auditor.pem
    """
    statement, signed_by = None, None
    if checkpoint is not None:
        from prcard.trust.certificate_profile import fingerprint
        from prcard.trust.merkle import parse_checkpoint

        statement = parse_checkpoint(_bytes_of(checkpoint))
        signed_by = fingerprint(statement.certificate)
        if signer is not None and _certificate(signer) != statement.certificate:
            raise AuditError(f"{checkpoint}: expected a checkpoint signed by {signer.name}, found another signer's")
    report = check_log(log, statement)
    document = {
        "in_order": not report.problem,
        "entries": report.entries,
        "log": report.log,
        "line": report.line,
        "problem": report.problem or None,
        "unfinished": report.unfinished,
        "checkpoint": None
        if statement is None
        else {"entries": statement.tree_size, "signed_by": signed_by, "signer_pinned": signer is not None},
    }
    if as_json:
        print_json(document)
    else:
        _tell_report(document)
    return ExitCode.FAILED if report.problem else ExitCode.DONE


def _tell_report(document: dict[str, Any]) -> None:
    if document["in_order"]:
        say(f"in order: {document['entries']} entries of log {document['log']}")
    else:
        where = "" if document["line"] is None else f" at line {document['line']}"
        say(f"NOT IN ORDER{where}: {document['problem']}")
    if document["unfinished"]:
        say("  the file ends in an unfinished line, as a crash leaves it; the next writer cuts it off")
    statement = document["checkpoint"]
    if statement is None:
        say("  without a checkpoint, entries cut off at the end cannot be found")
    else:
        pinned = "" if statement["signer_pinned"] else " (name the signer with --signer to be sure whose it is)"
        say(f"  checkpoint of {statement['entries']} entries, signed by {statement['signed_by']}{pinned}")


@command.command("checkpoint")
@_LOG
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="Private key of the signer, PEM without password, P-256 or P-384.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="Certificate of the signer, PEM or DER.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write it.")
@_JSON
def checkpoint(*, log: Path, key: Path, certificate: Path, output: Path, as_json: bool) -> None:
    """Sign size and root of a log; keep the checkpoint where those who write the log cannot change it.

    \b
    Example:
      prcard audit checkpoint audit.log --key auditor.key --certificate auditor.pem --output checkpoint.der
    """
    data = sign_checkpoint(log, _signer(key, certificate), at=now())
    write_whole(output, data)
    from prcard.trust.merkle import parse_checkpoint

    statement = parse_checkpoint(data)
    if as_json:
        print_json({"log": statement.origin, "entries": statement.tree_size, "root": statement.root.hex()})
    else:
        say(f"checkpoint of {statement.tree_size} entries of log {statement.origin}: {output}")


@command.command("find")
@_LOG
@_KEY_FILE
@_JSON
def find(*, log: Path, audit_key: Path | None, as_json: bool) -> int:
    """Find the entries about one card, whose number is read from stdin.

    \b
    Example:
      prcard audit find audit.log < number.txt
    """
    number = sys.stdin.readline().strip()
    entries = list(find_number(log, load_keys(_key_path(log, audit_key)), number))
    if as_json:
        print_json({"entries": entries})
    else:
        for entry in entries:
            words = (entry["at"], entry.get("outcome", ""), entry.get("profile", ""), *entry.get("reasons", []))
            say(f"{entry['n']} " + " ".join(str(word) for word in words if word))
        say(f"{len(entries)} entries")
    return ExitCode.DONE if entries else ExitCode.FAILED


@command.command("rotate-key")
@click.argument("key_file", type=click.Path(path_type=Path, dir_okay=False))
@_JSON
def rotate_key(*, key_file: Path, as_json: bool) -> None:
    """Add a key by which new entries hash numbers; older entries can still be found.

    \b
    Example:
      prcard audit rotate-key audit.log.key
    """
    keys = rotate_keys(key_file)
    if as_json:
        print_json({"current": keys.current, "keys": list(keys.keys)})
    else:
        say(f"new entries use key {keys.current}; {len(keys.keys)} keys in all")


@command.command("kept")
@_FOLDER
@_JSON
def kept(*, folder: Path, as_json: bool) -> None:
    """List what is kept of cards, without any value.

    \b
    Example:
      prcard audit kept kept/
    """
    records = [record.summary() for record in retention.list_kept(folder)]
    if as_json:
        print_json({"records": records})
        return
    for record in records:
        states = sorted({field["state"] for field in record["fields"].values()})
        until = record["purpose_end"] or "open"
        words = f"since {record['kept_on']}, purpose ends: {until}; {', '.join(states)}"
        say(f"{record['record']} {record['profile']} {words}")


@command.command("end")
@_FOLDER
@click.argument("record")
@click.option("--on", "day", metavar="YYYY-MM-DD", required=True, help="Last day of the purpose.")
@_AUDIT
@_KEY_FILE
@_JSON
def end(*, folder: Path, record: str, day: str, audit: Path | None, audit_key: Path | None, as_json: bool) -> None:
    """Say when the purpose of a kept record ends, such as the day on which an account is closed.

    \b
    Example:
      prcard audit end kept/ 0123456789abcdef --on 2026-12-31
    """
    try:
        last = date.fromisoformat(day)
    except ValueError as error:
        raise click.BadParameter("write it as YYYY-MM-DD", param_hint="--on") from error
    ended = retention.end_purpose(folder, record, last)
    _log(audit, audit_key, {"kind": "purpose-ended", "record": record, "purpose_end": last.isoformat()})
    if as_json:
        print_json({"records": [ended.summary()]})
    else:
        say(f"{record}: the purpose ends on {last}")


@command.command("purge")
@_FOLDER
@click.option("--at", type=Moment(), help="Apply the rules as of this day instead of today.")
@_AUDIT
@_KEY_FILE
@_JSON
def purge(*, folder: Path, at: datetime | None, audit: Path | None, audit_key: Path | None, as_json: bool) -> None:
    """Apply the rules of retention: freeze what only the law asks for, delete the rest.

    A day later than today is refused, since what is deleted does not come back.

    \b
    Example:
      prcard audit purge kept/ --audit audit.log
    """
    present = now()
    if at is not None and at > present:
        raise click.BadParameter("expected today or earlier: what is deleted does not come back", param_hint="--at")
    changes: list[tuple[str, dict[str, str]]] = []
    for record, states in retention.purge(folder, china_day(at or present)):
        names = {name: state.value for name, state in states.items()}
        changes.append((record.record_id, names))
        for state in sorted(set(names.values())):
            fields = sorted(name for name, value in names.items() if value == state)
            _log(audit, audit_key, {"kind": state, "record": record.record_id, "fields": fields})
    if as_json:
        print_json({"purged": [{"record": record_id, "changed": names} for record_id, names in changes]})
        return
    for record_id, names in changes:
        say(f"{record_id}: " + ", ".join(f"{name} {state}" for name, state in names.items()))
    say(f"{len(changes)} records changed")


def _log(audit: Path | None, audit_key: Path | None, content: dict[str, Any]) -> None:
    if audit is not None:
        AuditLog(audit, ensure_keys(_key_path(audit, audit_key))).append(content, at=now())


def _key_path(log: Path, audit_key: Path | None) -> Path:
    return audit_key or log.with_name(f"{log.name}.key")


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise AuditError(f"{path}: expected a file that can be read, found: {error.strerror}; check it") from error


def _certificate(path: Path) -> x509.Certificate:
    from cryptography import x509

    data = _bytes_of(path)
    try:
        return x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise AuditError(f"{path}: expected a certificate in PEM or DER, found something else; check it") from error


def _signer(key: Path, certificate: Path) -> InMemorySigner:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from prcard.trust.signer import InMemorySigner

    try:
        private = load_pem_private_key(_bytes_of(key), None)
    except (ValueError, TypeError) as error:
        raise AuditError(f"{key}: expected a private key in PEM without password, found something else") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise AuditError(f"{key}: expected a key on P-256 or P-384, found another kind; use another key")
    return InMemorySigner(private, _certificate(certificate))
