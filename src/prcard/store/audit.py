"""The audit log: who judged which card where, by which profile, and what came of it; no personal data.

One entry is one line of JSON with its number, the hash of the entry before it and its own. A line is acknowledged only
once it is on the disk. What a crash leaves of an unfinished line is cut off by the next writer, since nobody was told
that it was written. Writers take turns by a lock on the file, and an append reads the last line only.

A chain finds the first entry that was altered, removed or reordered. It cannot find entries cut off at the end, nor a
log that somebody rewrote as a whole: a signed checkpoint, kept elsewhere, finds both.

Source: hash over the entry before, as in any chained log; checkpoints: `prcard.trust.merkle` (RFC 9162).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import AuditError, RecordError
from prcard.record import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.store.audit_keys import AuditKeys
    from prcard.trust.merkle import Checkpoint
    from prcard.trust.signer import Signer

__all__ = ["AuditLog", "ChainReport", "audit_lines", "check_log", "entry_of_verdict", "find_number", "sign_checkpoint"]

FORMAT: Final = "prcard-audit"
MAX_ENTRY_BYTES: Final = 8192
MAX_TEXT_CHARS: Final = 200
_ZERO: Final = "0" * 64
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNS: Final = 10


class AuditLog:
    """A log in one file; any number of processes and threads may write to it."""

    __slots__ = ("_keys", "path")

    def __init__(self, path: Path, keys: AuditKeys) -> None:
        """Keeps path and keys; the file is made by the first entry.

        Args:
            path: The log.
            keys: By which numbers are hashed; from `prcard.store.audit_keys`.
        """
        self.path = path
        self._keys = keys

    def record(self, verdict: Verdict, raw: RawCard, *, at: datetime, who: str = "", where: str = "") -> dict[str, Any]:
        """Writes one verdict and gives the entry, once it is on the disk.

        Args:
            verdict: What was said.
            raw: Of which card; only the keyed hash of its number is written.
            at: Aware moment of writing.
            who: Who judged: an id of a clerk, never of the holder.
            where: Which counter or machine.

        Raises:
            AuditError: the entry could not be written; then it is not in the log.
        """
        return self.append(entry_of_verdict(verdict, raw, self._keys, who=who, where=where), at=at)

    def append(self, content: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        """Writes one entry and gives it as it was written, once it is on the disk.

        Args:
            content: `kind` and what belongs to it; texts of at most 200 characters.
            at: Aware moment of writing.

        Raises:
            AuditError: the entry could not be written; then it is not in the log.
        """
        _check_texts(content)
        try:
            with self._locked() as file:
                size, last = self._tail(file, at)
                entry = _chained(content, at, last)
                _write(file, size, _line(entry))
                return entry
        except OSError as error:
            reason = error.strerror or "an error"
            raise AuditError(f"{self.path}: expected a log that can be written, found: {reason}; make room") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Opens the log for one writer; who waits for a file that is moved away meanwhile opens the new one."""
        for _ in range(_TURNS):
            made = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                _lock(file)
                try:
                    same = os.path.samestat(os.fstat(file.fileno()), self.path.stat())
                except FileNotFoundError:
                    same = False
                if same:
                    if made:
                        _sync_folder(self.path.parent)
                    yield file
                    return
        raise AuditError(f"{self.path}: expected a file that stays, found one that is moved again and again")

    def _tail(self, file: BinaryIO, at: datetime) -> tuple[int, dict[str, Any]]:
        """Gives the length of the log and its last entry; cuts off what a crash left, begins a log that is empty."""
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - 2 * MAX_ENTRY_BYTES)
        file.seek(start)
        data = file.read(size - start)
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            if not whole and start:
                raise self._damaged("an unfinished line that is too long")
            size = start + whole
            file.truncate(size)
        if not size:
            first = _chained({"kind": "begin", "format": FORMAT, "version": 1, "log": secrets.token_hex(8)}, at, None)
            return _write(file, 0, _line(first)), first
        last = data[data.rfind(b"\n", 0, whole - 1) + 1 : whole]
        problem, entry = _parse(last)
        if problem or entry is None:
            raise self._damaged(problem)
        return size, entry

    def _damaged(self, problem: str) -> AuditError:
        return AuditError(
            f"{self.path}: expected a last entry in order, found {problem}; "
            "run prcard audit verify, then begin a new log"
        )


def entry_of_verdict(verdict: Verdict, raw: RawCard, keys: AuditKeys, *, who: str, where: str) -> dict[str, Any]:
    """Gives what an entry says of a verdict; nothing in it is personal data of the holder."""
    try:
        number = keys.hash_number(decode(raw.text).number)
    except RecordError:
        number = None
    decisive = (*verdict.failed, *verdict.open)
    return {
        "kind": "judged",
        "who": who,
        "where": where,
        "reader": raw.provenance.reader,
        "sam_id": raw.provenance.sam_id,
        "profile": verdict.profile,
        "profile_version": verdict.profile_version,
        "moment": verdict.at.isoformat(),
        "outcome": verdict.outcome.value,
        "indication": verdict.indication.value,
        "evidence_level": verdict.evidence_level.value,
        "reasons": [f"{check.code}:{check.reason}" for check in decisive],
        "number": number,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a look at a whole log found.

    Attributes:
        entries: How many entries are in order, the first line included.
        problem: What is wrong with the first entry that is not in order; "" when all are.
        line: Its line, from 1; None when all are in order.
        unfinished: True when the file ends in an unfinished line, as a crash leaves it.
        log: Id of the log; "" when the first line is not in order.
    """

    entries: int
    problem: str = ""
    line: int | None = None
    unfinished: bool = False
    log: str = ""


def audit_lines(path: Path) -> Iterator[bytes]:
    """Gives the lines of a log, each with its line feed; the last may lack it.

    Raises:
        AuditError: the file cannot be read, or a line is longer than an entry can be.
    """
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_ENTRY_BYTES + 1):
                if len(line) > MAX_ENTRY_BYTES:
                    raise AuditError(f"{path}: expected lines of at most {MAX_ENTRY_BYTES} bytes, found a longer one")
                yield line
    except OSError as error:
        raise AuditError(f"{path}: expected a log that can be read, found: {error.strerror}; check it") from error


def check_log(path: Path, checkpoint: Checkpoint | None = None) -> ChainReport:
    """Looks at every entry in order and stops at the first that is not in order.

    Args:
        path: The log.
        checkpoint: A statement of its size and root that was kept elsewhere; its signature holds already, whose it is
            has to be judged by the caller.

    Raises:
        AuditError: the file cannot be read.
    """
    count, log, last = 0, "", None
    for line in audit_lines(path):
        if not line.endswith(b"\n"):
            return _against(checkpoint, path, ChainReport(entries=count, unfinished=True, log=log))
        problem, entry = _parse(line)
        problem = problem or _link_problem(path, last, entry or {})
        if problem:
            return ChainReport(entries=count, problem=problem, line=count + 1, log=log)
        count, last = count + 1, entry
        log = log or str((entry or {}).get("log", ""))
    return _against(checkpoint, path, ChainReport(entries=count, log=log))


def _link_problem(path: Path, last: Mapping[str, Any] | None, entry: Mapping[str, Any]) -> str:
    """Says how an entry that is whole in itself does not follow the one before; "" when it does."""
    expected = 0 if last is None else last["n"] + 1
    if entry["n"] != expected:
        later = any(other is not None and other["n"] == expected for other in (_parse(x)[1] for x in audit_lines(path)))
        if entry["n"] < expected:
            return f"entry {entry['n']} stands again after entry {expected - 1}: repeated or reordered"
        what = f"entry {expected} stands elsewhere: reordered" if later else f"entry {expected} is missing: removed"
        return f"{what}; entry {entry['n']} stands in its place"
    if entry["prev"] != (_ZERO if last is None else last["hash"]):
        return f"entry {expected} does not follow the one before: one of them was altered with its hash"
    if last is None and (entry.get("kind") != "begin" or entry.get("format") != FORMAT):
        return "the first entry does not begin a log"
    return ""


def _against(checkpoint: Checkpoint | None, path: Path, report: ChainReport) -> ChainReport:
    """Compares size, root and name with a checkpoint."""
    if checkpoint is None:
        return report
    from prcard.trust.merkle import MerkleTree

    problem = ""
    if checkpoint.origin != report.log:
        problem = f"the checkpoint is of log {checkpoint.origin[:40]}, this is {report.log}"
    elif checkpoint.tree_size > report.entries:
        problem = f"the checkpoint counts {checkpoint.tree_size} entries, here are {report.entries}: cut off at the end"
    elif MerkleTree(islice(audit_lines(path), checkpoint.tree_size)).root != checkpoint.root:
        problem = f"the first {checkpoint.tree_size} entries are not those of the checkpoint: rewritten"
    if not problem:
        return report
    return ChainReport(entries=report.entries, problem=problem, line=None, unfinished=report.unfinished, log=report.log)


def sign_checkpoint(path: Path, signer: Signer, *, at: datetime) -> bytes:
    """Signs size and root of a log that is in order.

    Args:
        path: The log.
        signer: Who signs.
        at: Aware moment of signing.

    Returns:
        A signed message in DER; keep it where those who can write the log cannot.

    Raises:
        AuditError: the log is not in order, or empty.
        TrustError: the signer's key is not accepted.
    """
    from prcard.trust.merkle import MerkleTree, build_checkpoint

    report = check_log(path)
    if report.problem or not report.entries:
        where = "no entry" if not report.problem else f"{report.problem} (line {report.line})"
        raise AuditError(f"{path}: expected a log in order to sign, found: {where}")
    tree = MerkleTree(islice(audit_lines(path), report.entries))
    return build_checkpoint(tree, signer, origin=report.log, signing_time=at)


def find_number(path: Path, keys: AuditKeys, number: str) -> Iterator[dict[str, Any]]:
    """Gives the entries about a card number, under whichever of the keys they were written.

    Raises:
        AuditError: the file cannot be read.
    """
    hashes = [keys.hash_number(number, key_id) for key_id in keys.keys]
    for line in audit_lines(path):
        entry = _parse(line)[1]
        if entry is not None and entry.get("number") in hashes:
            yield entry


def _chained(content: Mapping[str, Any], at: datetime, last: Mapping[str, Any] | None) -> dict[str, Any]:
    if at.tzinfo is None:
        raise AuditError("at: expected a moment with its offset from UTC, found one without; add the time zone")
    number = 0 if last is None else int(last["n"]) + 1
    prev = _ZERO if last is None else str(last["hash"])
    entry = {"n": number, "at": at.isoformat(), **content, "prev": prev}
    return {**entry, "hash": _hash(entry)}


def _hash(entry: Mapping[str, Any]) -> str:
    return sha256(_canonical(entry)).hexdigest()


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def _line(entry: Mapping[str, Any]) -> bytes:
    line = _canonical(entry) + b"\n"
    if len(line) > MAX_ENTRY_BYTES:
        raise AuditError(f"entry: expected at most {MAX_ENTRY_BYTES} bytes, found {len(line)}; shorten its texts")
    return line


def _parse(line: bytes) -> tuple[str, dict[str, Any] | None]:
    """Reads one line; gives what is wrong with it in itself, or the entry."""
    try:
        entry = json.loads(line)
        whole = isinstance(entry, dict) and {"n", "at", "kind", "prev", "hash"} <= entry.keys()
    except (ValueError, RecursionError):
        return "a line that is no entry: altered", None
    if not whole or type(entry["n"]) is not int:
        return "a line that is no entry: altered", None
    content = {key: value for key, value in entry.items() if key != "hash"}
    if entry["hash"] != _hash(content) or _canonical(entry) + b"\n" != line:
        return f"entry {entry['n']} is not what its hash says: altered", None
    return "", entry


def _check_texts(content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        if isinstance(value, str) and (len(value) > MAX_TEXT_CHARS or _CONTROL.search(value)):
            raise AuditError(f"{name}: expected at most {MAX_TEXT_CHARS} characters without control characters")
    if {"n", "at", "prev", "hash"} & content.keys():
        raise AuditError("entry: expected content only; number, moment and hashes are the log's")


def _write(file: BinaryIO, size: int, line: bytes) -> int:
    """Writes a line at the end and brings it to the disk; after a failure the log is as it was. Gives the new size."""
    try:
        file.seek(size)
        written = 0
        while written < len(line):
            written += file.write(line[written:]) or 0
        os.fsync(file.fileno())
    except OSError:
        # Where even this fails, the line has no line feed yet, and the next writer cuts it off.
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise
    return size + len(line)


def _lock(file: BinaryIO) -> None:
    """Waits until this is the only writer; the lock ends when the file is closed, also by a crash."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover  # Windows
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_EX)


def _sync_folder(folder: Path) -> None:
    """Brings the name of a new file to the disk, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
