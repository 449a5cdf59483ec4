"""The audit log: chained, safe against crashes, full disks and other writers; every change of it is found."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.verify import verify
from prcard.errors import AuditError
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.audit import (
    MAX_ENTRY_BYTES,
    AuditLog,
    ChainReport,
    audit_lines,
    check_log,
    entry_of_verdict,
    find_number,
    sign_checkpoint,
)
from prcard.store.audit_keys import AuditKeys, create_keys, rotate_keys
from prcard.store.profiles import load_profile
from prcard.trust.merkle import parse_checkpoint
from prcard.trust.signer import InMemorySigner

LONG = os.environ.get("PRCARD_LONG") == "1"
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
KEYS = AuditKeys({"00000001": b"k" * 32})
EVENT = {"kind": "note", "text": "x"}


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.log", KEYS)


@pytest.fixture
def filled(log: AuditLog) -> Path:
    """A log of six lines: its beginning and five entries."""
    for number in range(5):
        log.append({"kind": "note", "text": f"entry {number}"}, at=NOW + timedelta(seconds=number))
    return log.path


def test_an_entry_says_who_what_where_and_nothing_of_the_holder(log: AuditLog) -> None:
    raw = specimen("alice").card()
    entry = log.record(verify(raw, load_profile("bank"), NOW), raw, at=NOW, who="clerk 7", where="counter 3")
    text = log.path.read_text(encoding="ascii")
    assert json.loads(text.splitlines()[1]) == entry
    assert entry["reasons"] == ["provenance:specimen-card", "evidence:sam-unknown"]
    assert (entry["outcome"], entry["indication"], entry["profile"]) == ("FAILED", "specimen", "bank")
    assert entry["number"] == KEYS.hash_number("911124198504120021")
    for secret in ("SPECIMEN, ALICE", "ALICE", "爱丽", "\\u7231", "911124198504120021", "1985", "CAN"):
        assert secret not in text
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_card_that_does_not_decode_has_no_number(log: AuditLog) -> None:
    from dataclasses import replace

    raw = replace(specimen("alice").card(), text=b"")
    assert log.record(verify(raw, load_profile("bank"), NOW), raw, at=NOW)["number"] is None


def test_a_whole_log_is_in_order(filled: Path) -> None:
    report = check_log(filled)
    assert report == ChainReport(entries=6, log=json.loads(filled.read_bytes().splitlines()[0])["log"])


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def rehashed(line: bytes, **changes: Any) -> bytes:
    from prcard.store import audit

    content = {key: value for key, value in json.loads(line).items() if key != "hash"} | changes
    return audit._line({**content, "hash": audit._hash(content)})


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"entry 1", b"entry 9"), *lines[3:]], 3, "entry 2 .*altered"),
        (lambda lines: [*lines[:2], lines[2].replace(b",", b", ", 1), *lines[3:]], 3, "altered"),
        (lambda lines: [*lines[:2], b"rubbish\n", *lines[3:]], 3, "altered"),
        (lambda lines: [*lines[:2], b"[]\n", *lines[3:]], 3, "altered"),
        (lambda lines: [*lines[:2], b'{"n":"2","at":1,"kind":1,"prev":1,"hash":1}\n', *lines[3:]], 3, "altered"),
        (lambda lines: [*lines[:2], *lines[3:]], 3, "entry 2 is missing: removed"),
        (swapped, 3, "entry 2 stands elsewhere: reordered"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "entry 2 stands again"),
        (lambda lines: [*lines[:2], rehashed(lines[2], text="entry 9"), *lines[3:]], 4, "entry 3 does not follow"),
        (lambda lines: lines[1:], 1, "entry 0 is missing: removed"),
        (lambda lines: [rehashed(lines[0], kind="note"), *lines[1:]], 1, "does not begin a log"),
        (lambda lines: [rehashed(lines[0], prev="1" * 64), *lines[1:]], 1, "entry 0 does not follow"),
    ],
)
def test_the_first_change_is_found(
    filled: Path, change: Callable[[list[bytes]], list[bytes]], line: int, words: str
) -> None:
    filled.write_bytes(b"".join(change(lines_of(filled))))
    report = check_log(filled)
    assert report.line == line
    assert report.entries == line - 1
    assert re.search(words, report.problem), report.problem


@given(st.data())
def test_law_no_changed_byte_of_a_log_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.log"
    if not path.exists():
        for _ in range(2):
            AuditLog(path, KEYS).append(EVENT, at=NOW)
    whole = path.read_bytes()
    content = bytearray(whole)
    at = data.draw(st.integers(0, len(content) - 2))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    report = check_log(path)
    path.write_bytes(whole)
    assert report.problem


def signer() -> InMemorySigner:
    return SpecimenIssuer(NOW)._signer


def test_a_checkpoint_finds_what_is_cut_off_or_rewritten(filled: Path, tmp_path: Path) -> None:
    checkpoint = parse_checkpoint(sign_checkpoint(filled, signer(), at=NOW))
    assert checkpoint.tree_size == 6
    assert check_log(filled, checkpoint).problem == ""
    AuditLog(filled, KEYS).append(EVENT, at=NOW)
    assert check_log(filled, checkpoint).problem == "", "a log may grow"
    lines = lines_of(filled)
    filled.write_bytes(b"".join(lines[:5]))
    assert check_log(filled).problem == "", "the chain alone cannot know"
    assert "cut off at the end" in check_log(filled, checkpoint).problem
    rewritten = [lines[0]]
    for line in lines[1:]:
        rewritten.append(rehashed(line, prev=json.loads(rewritten[-1])["hash"], text="other"))
    filled.write_bytes(b"".join(rewritten))
    assert check_log(filled).problem == "", "the chain alone cannot know"
    assert "rewritten" in check_log(filled, checkpoint).problem
    other = AuditLog(tmp_path / "other.log", KEYS)
    other.append(EVENT, at=NOW)
    assert "the checkpoint is of log" in check_log(other.path, checkpoint).problem


def test_only_a_log_in_order_is_signed(filled: Path, tmp_path: Path) -> None:
    filled.write_bytes(b"".join(swapped(lines_of(filled))))
    with pytest.raises(AuditError, match="reordered"):
        sign_checkpoint(filled, signer(), at=NOW)
    (tmp_path / "empty.log").touch()
    with pytest.raises(AuditError, match="no entry"):
        sign_checkpoint(tmp_path / "empty.log", signer(), at=NOW)


@pytest.mark.parametrize("rest", [b"{", b'{"at":"2026', b"\0" * 100])
def test_what_a_crash_left_of_a_line_is_cut_off_by_the_next_writer(log: AuditLog, filled: Path, rest: bytes) -> None:
    before = filled.read_bytes()
    filled.write_bytes(before + rest)
    assert check_log(filled) == ChainReport(entries=6, unfinished=True, log=check_log(filled).log)
    log.append(EVENT, at=NOW)
    assert filled.read_bytes().startswith(before)
    assert check_log(filled).entries == 7
    assert not check_log(filled).unfinished


def test_a_crash_in_the_very_first_line_begins_anew(log: AuditLog) -> None:
    log.path.write_bytes(b'{"at":')
    log.append(EVENT, at=NOW)
    assert check_log(log.path).entries == 2


def test_a_log_that_is_damaged_at_its_end_is_not_written_to(log: AuditLog, filled: Path) -> None:
    filled.write_bytes(filled.read_bytes() + b"rubbish\n")
    with pytest.raises(AuditError, match="run prcard audit verify"):
        log.append(EVENT, at=NOW)
    filled.write_bytes(b"x" * 3 * MAX_ENTRY_BYTES)
    with pytest.raises(AuditError, match="too long"):
        log.append(EVENT, at=NOW)
    with pytest.raises(AuditError, match="longer one"):
        check_log(filled)


@pytest.mark.parametrize(
    "content",
    [{"kind": "x", "who": "a\nb"}, {"kind": "x", "who": "a" * 201}, {"kind": "x", "hash": "1"}, {"kind": ["x"] * 4000}],
)
def test_content_that_is_none_is_refused(log: AuditLog, content: dict[str, Any]) -> None:
    with pytest.raises(AuditError):
        log.append(content, at=NOW)
    with pytest.raises(AuditError, match="time zone"):
        log.append(EVENT, at=NOW.replace(tzinfo=None))


def test_appending_reads_the_end_of_the_log_only(log: AuditLog, filled: Path) -> None:
    """O(1): a log of 200 MB (sparse, but for its last line) takes an entry as quickly as a short one."""
    last = lines_of(filled)[-1]
    with filled.open("r+b") as file:
        file.truncate(0)
        file.seek(200 << 20)
        file.write(b"\n" + last)
    entry = log.append(EVENT, at=NOW)
    assert entry["n"] == json.loads(last)["n"] + 1


def test_numbers_are_found_under_every_key(tmp_path: Path) -> None:
    path, raw = tmp_path / "audit.log", specimen("alice").card()
    verdict = verify(raw, load_profile("training"), NOW)
    AuditLog(path, create_keys(tmp_path / "k")).record(verdict, raw, at=NOW)
    keys = rotate_keys(tmp_path / "k")
    AuditLog(path, keys).record(verdict, raw, at=NOW)
    AuditLog(path, keys).record(verdict, specimen("bob").card(), at=NOW)
    assert [entry["n"] for entry in find_number(path, keys, "911124198504120021")] == [1, 2]
    assert list(find_number(path, keys, "911124198504120048")) == []


def test_a_file_that_cannot_be_read_or_made(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="can be read"):
        check_log(tmp_path / "none.log")
    with pytest.raises(AuditError, match="can be written"):
        AuditLog(tmp_path / "none" / "audit.log", KEYS).append(EVENT, at=NOW)


def test_a_full_disk_leaves_the_log_as_it_was(log: AuditLog, filled: Path) -> None:
    """RLIMIT_FSIZE stands for a disk that takes part of a line and no more."""
    before = filled.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (0, 1, 100):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, hard))
        try:
            with pytest.raises(AuditError, match="make room"):
                log.append(EVENT, at=NOW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert filled.read_bytes() == before
    assert log.append(EVENT, at=NOW)["n"] == 6
    assert check_log(filled).entries == 7


def test_a_device_that_takes_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(AuditError):
        AuditLog(tmp_path / "full", KEYS).append(EVENT, at=NOW)


def test_a_log_moved_away_while_one_waits_is_begun_anew(log: AuditLog, filled: Path) -> None:
    import fcntl

    with filled.open("rb") as holder:
        fcntl.flock(holder.fileno(), fcntl.LOCK_EX)
        written: list[int] = []
        waiting = threading.Thread(target=lambda: written.append(log.append(EVENT, at=NOW)["n"]))
        waiting.start()
        filled.rename(filled.with_name("audit.log.1"))
    waiting.join(10)
    assert written == [1]
    assert check_log(filled.with_name("audit.log.1")).entries == 6
    assert check_log(filled).entries == 2


def test_threads_take_turns(log: AuditLog) -> None:
    threads = [threading.Thread(target=lambda: [log.append(EVENT, at=NOW) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check_log(log.path).entries == 81


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from prcard.store.audit import AuditLog
from prcard.store.audit_keys import AuditKeys
log = AuditLog(Path(sys.argv[1]), AuditKeys({"00000001": b"k" * 32}))
for number in range(int(sys.argv[3])):
    entry = log.append({"kind": "note", "text": f"{sys.argv[2]}:{number}"}, at=datetime.now(UTC))
    # A line to the pipe in one write: the acknowledgement that must not be lost.
    sys.stdout.write(f"{entry['n']} {entry['hash']}\\n")
    sys.stdout.flush()
"""
WRITES = 1000
KILLS = 100 if LONG else 16


def acknowledged(path: Path, names: list[str], kill_after: list[int], count: int) -> Iterator[tuple[int, str]]:
    """Runs one writer for each name, kills it after so many acknowledgements, and gives all that were received."""
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE)
        for name in names
    ]
    received: list[list[bytes]] = [[] for _ in running]

    def listen(at: int) -> None:
        stdout = running[at].stdout
        assert stdout is not None
        for line in stdout:
            received[at].append(line)
            if len(received[at]) == kill_after[at]:
                os.kill(running[at].pid, signal.SIGKILL)

    threads = [threading.Thread(target=listen, args=(at,)) for at in range(len(running))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in running:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
    for line in [line for lines in received for line in lines if line.endswith(b"\n")]:
        number, digest = line.decode().split()
        yield int(number), digest


def test_killed_at_random_moments_two_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """1,000 entries by two processes at once, killed again and again: the chain holds, none is lost."""
    import random

    chance = random.Random(7)
    path, round_number = tmp_path / "audit.log", 0
    told: list[tuple[int, str]] = []
    while len(told) < WRITES:
        left = WRITES - len(told)
        share = max(1, WRITES // KILLS // 2)
        kill = [chance.randint(1, share * 2) for _ in range(2)]
        names = [f"{round_number}a", f"{round_number}b"]
        told += list(acknowledged(path, names, kill, left))
        round_number += 1
    report = check_log(path)
    assert report.problem == ""
    assert report.entries > WRITES
    present = {(entry["n"], entry["hash"]) for entry in map(json.loads, audit_lines(path))}
    assert set(told) <= present
    assert round_number >= 3


def test_entry_of_verdict_holds_no_field_of_any_specimen() -> None:
    for entry in SPECIMENS:
        raw = entry.card()
        text = json.dumps(
            entry_of_verdict(verify(raw, load_profile("bank"), NOW), raw, KEYS, who="", where=""), ensure_ascii=False
        )
        document = entry.record()
        for secret in (document.number, *(getattr(document, name, "") for name in ("name", "chinese_name"))):
            assert not secret or secret not in text


def test_signer_is_of_an_accepted_kind() -> None:
    assert isinstance(signer().certificate.public_key(), ec.EllipticCurvePublicKey)
