"""A full run, searched for personal data: they appear only where the profile lets them, and the user asked.

Every specimen's names, number, birth date and photo are looked for in everything that a run leaves behind, in whatever
form bytes take on their way: UTF-8, UTF-16, hexadecimal, base64 at each alignment, JSON and Python escapes.
"""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from prcard.acceptance.checks import Subject
from prcard.acceptance.entry import enter_record
from prcard.acceptance.verify import verify
from prcard.cli.main import main
from prcard.errors import PRCardError
from prcard.record import decode
from prcard.record.capture import dump_capture
from prcard.record.migration import CardIndex, migrate_row
from prcard.record.numbers import parse_number
from prcard.record.raw import RawCard
from prcard.simulator.specimens import SPECIMENS, Specimen, specimen
from prcard.store.audit import AuditLog
from prcard.store.audit_keys import ensure_keys
from prcard.store.profiles import load_profile, profile_names
from prcard.store.retention import keep_card, list_kept

NOW: Final = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def in_every_form(text: str) -> Iterator[bytes]:
    """A text as it may lie in a file."""
    yield from in_every_byte_form(text.encode())
    yield from in_every_byte_form(text.encode("utf-16-le"))
    yield from in_every_byte_form(text.encode("utf-16-be"))
    yield json.dumps(text).strip('"').encode()
    yield text.encode("utf-16-le").hex(" ").encode()
    yield repr(text.encode("utf-16-le"))[2:-1].encode()


def in_every_byte_form(data: bytes) -> Iterator[bytes]:
    """Bytes as they are, in hexadecimal, and in base64 at each of three alignments."""
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for shift in range(3):
        # Without the first and last signs, which depend on what stands beside.
        coded = base64.b64encode(bytes(shift) + data)
        core = coded[4 if shift else 0 : len(coded) - 4]
        if len(core) >= 8:
            yield core
            yield core.replace(b"+", b"-").replace(b"/", b"_")


@cache
def secrets(entry: Specimen) -> dict[str, set[bytes]]:
    """What must not be found, by field."""
    record, photo = entry.record(), entry.card().photo
    born: date = record.birth_date
    forms = {
        "number": {record.number},
        "birth_date": {f"{born:%Y-%m-%d}", f"{born:%Y%m%d}", f"{born:%Y.%m.%d}", f"{born:%Y/%m/%d}"},
        "name": {getattr(record, "name", "")},
        "chinese_name": {getattr(record, "chinese_name", "")},
        "english_name": {getattr(record, "english_name", "")},
    }
    found = {
        field: {form for text in texts if len(text) >= 3 for form in in_every_form(text)}
        for field, texts in forms.items()
    }
    # The first bytes are a header that many pictures share; what follows is this one's.
    found["photo"] = {form for at in range(64, 240, 24) for form in in_every_byte_form(photo[at : at + 24])}
    return found


def leaks(entry: Specimen, text: bytes, allowed: tuple[str, ...] = ()) -> list[str]:
    """Fields of a specimen that a text gives away."""
    return [
        field
        for field, forms in secrets(entry).items()
        if field not in allowed and any(form and form in text for form in forms)
    ]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., bytes]:
    def call(*arguments: object) -> bytes:
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main([str(argument) for argument in arguments])
        return "".join(capfd.readouterr()).encode("utf-8", "surrogateescape")

    return call


ALL: Final = pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)


@ALL
def test_the_search_finds_what_is_there(entry: Specimen) -> None:
    """Otherwise every test below would pass whatever happens."""
    raw = entry.card()
    everything = ["number", "birth_date", *(["photo"])]
    for text in (raw.text, raw.text.hex().encode(), base64.b64encode(raw.text), repr(raw.text).encode()):
        assert "number" in leaks(entry, text), text[:40]
        assert "birth_date" in leaks(entry, text)
    assert leaks(entry, raw.photo) == ["photo"]
    assert leaks(entry, base64.b64encode(b"xy" + raw.photo)) == ["photo"]
    assert set(everything) <= set(leaks(entry, dump_capture(raw).encode()))


@ALL
@pytest.mark.parametrize("form", ["text", "line", "html", "json"])
def test_what_commands_print(entry: Specimen, form: str, run: Callable[..., bytes], tmp_path: Path) -> None:
    capture = tmp_path / "card.json"
    capture.write_text(dump_capture(entry.card()), encoding="utf-8")
    asked = ["--json"] if form == "json" else ["--form", form]
    for name in profile_names():
        for lang in ("zh", "en"):
            out = run("verify", capture, "--profile", name, *asked, "--lang", lang)
            assert leaks(entry, out) == [], name
    assert leaks(entry, run("read", "--reader", f"sim:{entry.name}", "--profile", "bank", *asked)) == []


@ALL
def test_what_is_asked_for_is_shown_only_where_the_profile_lets_it(
    entry: Specimen, run: Callable[..., bytes], tmp_path: Path
) -> None:
    capture = tmp_path / "card.json"
    capture.write_text(dump_capture(entry.card()), encoding="utf-8")
    for name in profile_names():
        profile = load_profile(name)
        shown = tuple(field for field in secrets(entry) if profile.shows(field) and field != "photo")
        if "number" in shown:
            shown += ("birth_date",) if len(entry.record().number) == 18 else ()
        out = run("verify", capture, "--profile", name, "--show", "all", "--json")
        assert leaks(entry, out, shown) == [], name
        printed = tuple(field for field in shown if profile.prints(field) or field == "birth_date")
        assert leaks(entry, run("verify", capture, "--profile", name, "--show", "all", "--form", "html"), printed) == []


@ALL
def test_audit_files_and_kept_records(entry: Specimen, tmp_path: Path, run: Callable[..., bytes]) -> None:
    raw, path = entry.card(), tmp_path / "audit.log"
    log = AuditLog(path, ensure_keys(tmp_path / "audit.log.key"))
    for name in profile_names():
        profile = load_profile(name)
        log.record(verify(raw, profile, NOW), raw, at=NOW, who="clerk 7", where="counter 3")
        if profile.keep:
            folder = tmp_path / name
            keep_card(folder, raw, profile, date(2026, 6, 1))
            (kept,) = folder.iterdir()
            allowed = tuple(field for field in secrets(entry) if profile.rule_for(field))
            if "number" in allowed:
                allowed += ("birth_date",) if len(entry.record().number) == 18 else ()
            assert leaks(entry, kept.read_bytes(), allowed) == [], name
            assert leaks(entry, repr(list(list_kept(folder))).encode()) == []
            assert leaks(entry, run("audit", "kept", folder, "--json")) == []
    assert leaks(entry, path.read_bytes()) == []
    assert leaks(entry, (tmp_path / "audit.log.key").read_bytes()) == []
    assert leaks(entry, run("audit", "verify", path)) == []


@ALL
def test_what_objects_show_of_themselves(entry: Specimen) -> None:
    raw, record, profile = entry.card(), entry.record(), load_profile("hotel")
    row = {"old_number": record.number, "new_number": record.number}
    objects: list[Any] = [
        raw,
        record,
        parse_number(record.number),
        Subject.of(raw, profile, NOW),
        verify(raw, profile, NOW),
        migrate_row(row, CardIndex([row])),
    ]
    for thing in objects:
        assert leaks(entry, f"{thing!r} {thing}".encode()) == [], type(thing)
    verdict = verify(raw, profile, NOW)
    assert leaks(entry, json.dumps(verdict.to_document(), ensure_ascii=False).encode()) == []


@ALL
def test_errors_and_their_tracebacks(
    entry: Specimen, run: Callable[..., bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    raw = entry.card()
    document = dump_capture(raw)
    for at in range(0, 256, 6):
        text = raw.text[:at] + b"\x00\xd8" + raw.text[at + 2 :]
        try:
            decode(text)
        except PRCardError:
            assert leaks(entry, traceback.format_exc().encode()) == [], at
        verdict = verify(replace(raw, text=text), load_profile("bank"), NOW)
        assert leaks(entry, json.dumps(verdict.to_document(), ensure_ascii=False).encode()) == [], at
    damaged: list[str | bytes] = [
        document[:-40],
        document.replace('"version": 1', '"version": 9'),
        document[: len(document) // 2],
    ]
    for content in damaged:
        path = tmp_path / "card.json"
        path.write_text(str(content), encoding="utf-8")
        for arguments in (
            ("verify", path),
            ("verify", path, "--json"),
            ("profile", "enter", path, "--profile", "hotel"),
        ):
            assert leaks(entry, run(*arguments)) == []
    number = entry.record().number
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    (tmp_path / "in.csv").write_text(f"old_number,new_number\n{wrong},{wrong}\n", encoding="utf-8")
    (tmp_path / "out.csv").write_bytes(b"")
    assert leaks(entry, run("number", "migrate", tmp_path / "in.csv", "--output", tmp_path / "out.csv", "--json")) == []
    reasons = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1].split(",", 2)[2]
    assert number[:-1] not in reasons
    assert leaks(entry, caplog.text.encode()) == []


def test_a_bug_shows_no_card(monkeypatch: pytest.MonkeyPatch, run: Callable[..., bytes], tmp_path: Path) -> None:
    """Exit code 70 prints a traceback; the card that was being judged is not in it."""
    from prcard.cli import judging

    def broken(raw: RawCard, *_: object, **__: object) -> None:
        raise ZeroDivisionError(raw)

    entry = specimen("alice")
    (tmp_path / "card.json").write_text(dump_capture(entry.card()), encoding="utf-8")
    monkeypatch.setattr(judging, "verify", broken)
    out = run("verify", tmp_path / "card.json", "--profile", "bank")
    assert b"ZeroDivisionError" in out
    assert leaks(entry, out) == []


@ALL
def test_entering_shows_only_what_the_profile_shows(entry: Specimen) -> None:
    for name in profile_names():
        profile = load_profile(name)
        fields, remarks = enter_record(entry.record(), profile)
        allowed = tuple(field for field in secrets(entry) if profile.shows(field) and field != "photo")
        if "number" in allowed:
            allowed += ("birth_date",)
        assert leaks(entry, json.dumps([fields, remarks], ensure_ascii=False).encode(), allowed) == []
