"""Captures: what is dumped is loaded, and everything else is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from prcard.errors import CaptureError
from prcard.record.capture import MAX_CAPTURE_CHARS, capture_schema, dump_capture, load_capture
from prcard.record.raw import ManagementNumbers, Provenance, RawCard

FULL = RawCard(
    text=b"t" * 256,
    photo=b"p" * 1024,
    fingerprint=b"f" * 512,
    extra=(b"a" * 70, b"b" * 70),
    management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    security_object=b"\x77\x00",
    provenance=Provenance(
        reader="serial:/dev/ttyUSB0",
        transport="serial",
        sam_id="05.01-20101129-0001228293-0296863149",
        simulated=False,
        read_at=datetime(2026, 1, 31, 12, 0, 5, 250000, tzinfo=timezone(timedelta(hours=8))),
    ),
)
BARE = RawCard(text=b"", photo=b"")
VALIDATOR = Draft202012Validator(capture_schema(), format_checker=FormatChecker())
DOCUMENT = json.loads(dump_capture(FULL))

cards = st.builds(
    RawCard,
    text=st.binary(max_size=300),
    photo=st.binary(max_size=1100),
    fingerprint=st.binary(max_size=600),
    extra=st.lists(st.binary(max_size=71), max_size=4).map(tuple),
    management=st.one_of(
        st.none(),
        st.builds(
            ManagementNumbers,
            iin=st.binary(min_size=4, max_size=4),
            sn=st.binary(min_size=8, max_size=8),
            dn=st.binary(min_size=16, max_size=16),
        ),
    ),
    security_object=st.one_of(st.none(), st.binary(max_size=2000)),
    provenance=st.builds(
        Provenance,
        reader=st.text(max_size=30),
        transport=st.sampled_from(("serial", "tcp", "file")),
        sam_id=st.one_of(st.none(), st.text(max_size=36)),
        simulated=st.booleans(),
        read_at=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    ),
)


@given(cards)
def test_law_what_is_dumped_is_loaded(card: RawCard) -> None:
    text = dump_capture(card)
    assert load_capture(text) == card
    assert load_capture(text.encode()) == card
    assert dump_capture(load_capture(text)) == text
    VALIDATOR.validate(json.loads(text))


def test_the_form_is_that_outside_programs_rely_on() -> None:
    assert DOCUMENT["format"] == "prcard-capture"
    assert DOCUMENT["version"] == 1
    assert list(DOCUMENT["zones"]) == ["text", "photo", "fingerprint", "extra"]
    assert json.loads(dump_capture(BARE))["zones"]["fingerprint"] is None
    assert json.loads(dump_capture(BARE))["security_object"] is None
    assert DOCUMENT["provenance"]["read_at"] == "2026-01-31T12:00:05.250000+08:00"


def test_a_capture_without_management_numbers_is_one() -> None:
    document = {key: value for key, value in DOCUMENT.items() if key != "management"}
    assert load_capture(json.dumps(document)).management is None


def change(path: str, value: object) -> str:
    document = json.loads(json.dumps(DOCUMENT))
    *parents, last = path.split(".")
    part = document
    for parent in parents:
        part = part[parent]
    part[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "other"),
        ("format", 1),
        ("version", 2),
        ("version", True),
        ("version", "1"),
        ("zones", []),
        ("zones.text", None),
        ("zones.text", "????"),
        ("zones.text", "AAA"),
        ("zones.text", "QUJD\n"),
        ("zones.text", "ＱＵＪＤ"),
        ("zones.text", "A" * 21848),
        ("zones.fingerprint", 5),
        ("zones.extra", "QUJD"),
        ("zones.extra", ["QUJD"] * 5),
        ("zones.nonsense", 1),
        ("nonsense", 1),
        ("security_object", []),
        ("management", {"iin": "00"}),
        ("management.iin", "zz000000"),
        ("management.iin", "00 00 00"),
        ("management.more", "00"),
        ("provenance", None),
        ("provenance.simulated", 1),
        ("provenance.sam_id", 5),
        ("provenance.read_at", "yesterday"),
        ("provenance.read_at", "2026-01-31T12:00:05"),
        ("provenance.reader", "x" * 1001),
        ("provenance.reader", "\ud800"),
        ("provenance.nonsense", 1),
    ],
)
def test_what_is_wrong_is_named_by_its_place(path: str, value: object) -> None:
    with pytest.raises(CaptureError) as error:
        load_capture(change(path, value))
    assert error.value.problems[0].field.startswith(f"capture.{path.split('.', maxsplit=1)[0]}")


@pytest.mark.parametrize("key", ["format", "version", "zones", "security_object", "provenance"])
def test_a_missing_key_is_named(key: str) -> None:
    document = {name: value for name, value in DOCUMENT.items() if name != key}
    with pytest.raises(CaptureError, match=f"capture.{key}: expected a value, found nothing"):
        load_capture(json.dumps(document))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "NaN",
        '{"version": NaN}',
        '{"version": 1.0}',
        '{"a": 1, "a": 1}',
        "[" * 30_000,
        '{"a":' * 10_000,
        " " * (MAX_CAPTURE_CHARS + 1),
        b"\xff\xfe",
        b"\x80",
        "1" * 5000,
    ],
)
def test_what_is_no_capture_at_all(text: str | bytes) -> None:
    with pytest.raises(CaptureError):
        load_capture(text)


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    for path, value in (("format", "x"), ("zones.text", 5), ("provenance.simulated", 1), ("nonsense", 1)):
        assert not VALIDATOR.is_valid(json.loads(change(path, value)))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.sampled_from(["", "zones", "provenance", "management"]),
    st.sampled_from(list("abc") + list(DOCUMENT)),
    json_values,
)
def test_law_any_document_gives_a_card_or_a_capture_error(parent: str, key: str, value: object) -> None:
    only_documented(lambda: load_capture(change(f"{parent}.{key}".strip("."), value)))


@given(st.binary(max_size=200))
def test_law_any_bytes_give_a_capture_error(data: bytes) -> None:
    only_documented(lambda: load_capture(data))


def only_documented(call: Callable[[], object]) -> None:
    try:
        call()
    except CaptureError as error:
        assert error.problems


@pytest.mark.long
def test_long_mutated_captures() -> None:
    """100,000 mutations of a good capture: only CaptureError."""
    import random

    source = random.Random(7)
    good = dump_capture(BARE).encode()
    for _ in range(100_000):
        data = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        only_documented(lambda data=bytes(data): load_capture(data))  # type: ignore[misc]  # bound per loop turn
