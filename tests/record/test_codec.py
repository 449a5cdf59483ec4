"""The generated codec: held against the declaration through construct, and against every trap that is known."""

from __future__ import annotations

import copy
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prcard.errors import RecordError
from prcard.record import (
    LAYOUTS,
    LONG_TERM,
    PermanentResident2017,
    PermanentResident2023,
    ResidentIdentityCard,
    decode,
    detect_layout,
    encode,
    explain,
)
from prcard.record._codec import RECORDS
from prcard.record.kinds import DateOrLongTerm, Digits, Kind, Letters, Marker, Number15, Number18, Reserved, Text
from prcard.record.layouts import ALL_LAYOUTS, Layout
from prcard.record.layouts.layout import Vector

Zones = st.SearchStrategy[tuple[type[Layout], bytes]]
MakeZone = Callable[..., bytes]


def refusals(call: Callable[[], Any]) -> set[tuple[str, int | None]]:
    with pytest.raises(RecordError) as error:
        call()
    assert error.value.problems
    return {(problem.field, problem.offset_bytes) for problem in error.value.problems}


def outcome(call: Callable[[], Any]) -> Any:
    """Values, or the places that were refused."""
    try:
        return call()
    except RecordError as error:
        return {(problem.field, problem.offset_bytes) for problem in error.problems}


def values(layout: type[Layout], raw: bytes) -> dict[str, Any]:
    record = RECORDS[layout.id].fast_decode(raw)
    return {name: getattr(record, name) for name in layout.parse(raw)}


def test_every_layout_has_a_record_class_and_vectors() -> None:
    assert [layout.id for layout in ALL_LAYOUTS] == list(LAYOUTS)
    for layout in ALL_LAYOUTS:
        assert layout.vectors, layout.id
        assert layout.struct.sizeof() == 256
        assert RECORDS[layout.id].__name__ == layout.record_class
        assert [repr(place) for place in RECORDS[layout.id].places] == [repr(place) for place in layout.places()]


def test_vectors_decode_to_their_values_and_back(vector: tuple[type[Layout], Vector, bytes]) -> None:
    layout, entry, raw = vector
    record = decode(raw)
    assert record.layout == layout.id == detect_layout(raw)
    for name, value in entry.values.items():
        assert getattr(record, name) == value, name
    assert encode(record) == raw == record.raw == layout.build(layout.parse(raw))
    again = type(record)(**{name: getattr(record, name) for name in layout.parse(raw)})
    assert again == record


def test_every_truncation_and_every_longer_zone_is_refused(vector: tuple[type[Layout], Vector, bytes]) -> None:
    layout, _, raw = vector
    for length in [*range(256), 257, 258, 512]:
        zone = (raw * 3)[:length]
        assert refusals(lambda zone=zone: decode(zone)) == {("text zone", min(length, 256))}  # type: ignore[misc]  # bound per loop turn
        with pytest.raises(RecordError, match="256 bytes"):
            RECORDS[layout.id].fast_decode(zone)
        with pytest.raises(RecordError):
            layout.parse(zone)


def test_law_generated_codec_equals_construct(every_zone: Zones) -> None:
    """Law: on any zone both give the same values or refuse the same places; what decodes builds back by both."""

    @settings(max_examples=max(2000, settings.default.max_examples))  # type: ignore[union-attr]  # a profile is loaded
    @given(every_zone)
    def law(case: tuple[type[Layout], bytes]) -> None:
        layout, raw = case
        ours = outcome(lambda: values(layout, raw))
        theirs = outcome(lambda: layout.parse(raw))
        assert ours == theirs
        if isinstance(ours, dict):
            record = RECORDS[layout.id].fast_decode(raw)
            assert record.fast_encode() == raw == layout.build(theirs)

    law()


def test_law_only_documented_errors(every_zone: Zones) -> None:
    @given(every_zone)
    def law(case: tuple[type[Layout], bytes]) -> None:
        _, raw = case
        try:
            decode(raw)
        except RecordError as error:
            assert error.problems
        try:
            views = explain(raw)
        except RecordError:
            return
        assert b"".join(view.raw for view in views) == raw

    law()


def test_law_values_rebuild_the_record(good_zone: Zones) -> None:
    @given(good_zone)
    def law(case: tuple[type[Layout], bytes]) -> None:
        layout, raw = case
        record = RECORDS[layout.id].fast_decode(raw)
        parsed = layout.parse(raw)
        assert type(record)(**{name: getattr(record, name) for name in parsed}).raw == raw

    law()


@pytest.mark.parametrize(("marker", "unit"), [("Z", "005A"), ("\0", "0000"), ("i", "0069"), ("\uffff", "FFFF")])
def test_unknown_marker_is_refused_and_named(zone: MakeZone, marker: str, unit: str) -> None:
    raw = zone("pr2023", type_marker=marker)
    with pytest.raises(RecordError, match=f"U\\+{unit}") as error:
        decode(raw)
    assert error.value.problems[0][:2] == ("type_marker", 248)
    with pytest.raises(RecordError, match="expected a blank, I, J or Y"):
        explain(raw)


# Traps that cost others days; each is one line of a known failure.


def test_trap_character_offsets_are_not_unit_offsets(zone: MakeZone) -> None:
    """A rare ideograph takes two units: every field behind it must still be found."""
    record = decode(zone("resident", name="样本𠮷𤭢𡒄", sex="2"))
    assert isinstance(record, ResidentIdentityCard)
    assert (record.name, record.sex, record.expiry_date) == ("样本𠮷𤭢𡒄", "2", LONG_TERM)


def test_trap_a_full_name_of_rare_ideographs_fits_in_units_not_characters(zone: MakeZone) -> None:
    assert getattr(decode(zone("resident", name="𠮷" * 7 + "本")), "name") == "𠮷" * 7 + "本"  # noqa: B009  # one of four classes
    with pytest.raises(RecordError, match="at most 15 UTF-16 units, found 16"):
        PermanentResident2017(**good(PermanentResident2017, zone, chinese_name="𠮷" * 8))


def good(kind: type, zone: MakeZone, **changes: Any) -> dict[str, Any]:
    layout = next(layout for layout in ALL_LAYOUTS if layout.record_class == kind.__name__)
    return layout.parse(zone(layout.id)) | changes


def test_trap_a_surrogate_pair_cut_by_a_border_is_refused_on_both_sides(zone: MakeZone) -> None:
    pair = "𠮷".encode("utf-16-le")
    name = b"x\0" * 34 + pair[:2]
    rest = pair[2:] + b" \0" * 10
    raw = zone("pr2023", english_name=name, english_name_rest=rest)
    assert refusals(lambda: decode(raw)) == {("english_name", 52 + 68), ("english_name_rest", 220)}


@pytest.mark.parametrize("unit", [b"\x40\xd8", b"\x00\xdc"])
def test_trap_an_unpaired_surrogate_is_refused_where_it_stands(zone: MakeZone, unit: bytes) -> None:
    raw = zone("pr2017", english_name=b"A\0" * 5 + unit + b" \0" * 54)
    assert refusals(lambda: decode(raw)) == {("english_name", 10)}


@pytest.mark.parametrize("blank", ["　", "\u2003", "\u00a0"])
def test_trap_only_u0020_is_padding(zone: MakeZone, blank: str) -> None:
    """rstrip() without an argument would eat these."""
    record = decode(zone("pr2017", chinese_name=f"样本{blank}", english_name=f"SPECIMEN{blank}"))
    assert isinstance(record, PermanentResident2017)
    assert record.chinese_name == f"样本{blank}"
    assert record.english_name == f"SPECIMEN{blank}"


@pytest.mark.parametrize("padding", ["\0", "\uffff", "\x1f", "\x7f", "\x85", "\ufffe"])
def test_trap_other_padding_is_refused(zone: MakeZone, padding: str) -> None:
    raw = zone("pr2017", chinese_name="样本" + padding * 13)
    assert refusals(lambda: decode(raw)) == {("chinese_name", 158 + 4)}


@pytest.mark.parametrize(
    "text",
    [
        "2024W011", "2024-1-1", "２０２４０１０１", "2024010²", " 2240101", "+2240101", "2_240101", "20240230",
        "20231301", "00000101", "20240100", "2024010 ", "        ", "٢٠٢٤٠١٠١", "99999999",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("layout", "field"), [("pr2023", "birth_date"), ("resident", "issue_date"), ("hkmt", "expiry_date")]
)
def test_trap_only_ascii_days_of_the_calendar_are_dates(zone: MakeZone, layout: str, field: str, text: str) -> None:
    raw = zone(layout, **{field: text})
    ((found, _),) = refusals(lambda: decode(raw))
    assert found == field


def test_leap_days_are_days(zone: MakeZone) -> None:
    record = decode(zone("pr2023", birth_date="20000229"))
    assert record.birth_date == date(2000, 2, 29)
    assert refusals(lambda: decode(zone("pr2023", birth_date="19000229"))) == {("birth_date", 36)}


@pytest.mark.parametrize(("layout", "offset"), [("pr2017", 204), ("pr2023", 204), ("hkmt", 204)])
def test_no_end_date_is_for_residents_only(zone: MakeZone, layout: str, offset: int) -> None:
    assert refusals(lambda: decode(zone(layout, expiry_date="长期"))) == {("expiry_date", offset)}


@pytest.mark.parametrize("text", ["长期 x", " 长期", "長期", "长期\0", "长"])
def test_no_end_date_has_one_form(zone: MakeZone, text: str) -> None:
    ((field, _),) = refusals(lambda: decode(zone("resident", expiry_date=text)))
    assert field == "expiry_date"


@pytest.mark.parametrize(
    ("layout", "field", "text", "offset"),
    [
        ("pr2023", "sex", "M", 30),
        ("pr2023", "sex", " ", 30),
        ("pr2023", "sex", "２", 30),
        ("pr2023", "nationality", "can", 242),
        ("pr2023", "nationality", "C N", 244),
        ("pr2023", "nationality", "ＣＡＮ", 242),
        ("pr2023", "nationality", "CÀN", 244),
        ("pr2023", "number", "91112419810803002x", 122 + 34),
        ("pr2023", "number", "91112419810803002", 122 + 34),
        ("pr2023", "number", "9111241981080300٢4", 122 + 32),
        ("pr2023", "renewal_count", " 1", 32),
        ("pr2023", "renewal_count", "x", 32),
        ("pr2023", "previous_number_link", "01", 250),
        ("pr2023", "previous_number_link", "0 1", 252),
        ("pr2017", "number", "CA1110081080310", 122 + 4),
        ("pr2017", "number", "CAN11008108031X", 122 + 28),
        ("pr2017", "card_version", "1", 236),
        ("pr2017", "authority_code", "15 0", 244),
        ("resident", "nation", "1", 32),
    ],
)  # fmt: skip
def test_codes_and_numbers_have_their_form(zone: MakeZone, layout: str, field: str, text: str, offset: int) -> None:
    assert refusals(lambda: decode(zone(layout, **{field: text}))) == {(field, offset)}


def test_renewal_count_may_be_short_or_blank(zone: MakeZone) -> None:
    for text in ("", "0", "00", "12"):
        record = decode(zone("pr2023", renewal_count=text))
        assert isinstance(record, PermanentResident2023)
        assert record.renewal_count == text
        assert encode(record) == record.raw


def test_reserved_bytes_are_kept_whatever_they_are(zone: MakeZone) -> None:
    for layout in ALL_LAYOUTS:
        for place in layout.places():
            if isinstance(place.kind, Reserved):
                junk = bytes(range(0xD7, 0xD7 + 8)) * 8
                raw = zone(layout.id, **{place.name: junk[: place.length_bytes]})
                record = decode(raw)
                assert getattr(record, place.name) == junk[: place.length_bytes]
                assert encode(record) == raw


def test_all_problems_are_named_together(zone: MakeZone) -> None:
    raw = zone("pr2023", sex="x", birth_date="20240230", nationality="123")
    assert {field for field, _ in refusals(lambda: decode(raw))} == {"sex", "birth_date", "nationality"}


def test_messages_tell_no_values(zone: MakeZone) -> None:
    raw = zone("pr2023", birth_date="19851345", number="9111241985041200X1")
    with pytest.raises(RecordError) as error:
        decode(raw)
    assert "month 13" in str(error.value)
    for secret in ("19851345", "91112419850412", "SPECIMEN", "样本"):
        assert secret not in str(error.value)


def test_the_english_name_is_one_value(zone: MakeZone) -> None:
    record = decode(zone("pr2023", english_name="SPECIMEN" + "A" * 26, english_name_rest="B"))
    assert isinstance(record, PermanentResident2023)
    assert record.english_name == "SPECIMEN" + "A" * 26 + " B"
    assert not hasattr(record, "english_name_rest")
    long = "SPECIMEN" + "A" * 38
    made = PermanentResident2023(**good(PermanentResident2023, zone, english_name=long))
    assert made.english_name == long
    with pytest.raises(RecordError, match="english_name at byte 52: expected at most 46"):
        PermanentResident2023(**good(PermanentResident2023, zone, english_name=long + "A"))


def test_records_cannot_be_changed(vector: tuple[type[Layout], Vector, bytes]) -> None:
    record = decode(vector[2])
    for name in ("number", "raw", "layout", "anything"):
        with pytest.raises(AttributeError, match="immutable|no attribute"):
            setattr(record, name, "x")
        with pytest.raises(AttributeError):
            delattr(record, name)
    assert not hasattr(record, "__dict__")


def test_records_are_values(vector: tuple[type[Layout], Vector, bytes], zone: MakeZone) -> None:
    record, twin = decode(vector[2]), decode(bytearray(vector[2]))  # type: ignore[arg-type]  # taken all the same
    assert record == twin
    assert hash(record) == hash(twin)
    assert record != decode(zone("pr2017", english_name="SPECIMEN OTHER"))
    assert record != record.raw
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.copy(record) is record
    assert copy.deepcopy(record) is record


def test_repr_tells_nothing_of_the_holder(vector: tuple[type[Layout], Vector, bytes]) -> None:
    assert repr(decode(vector[2])) == f"<{vector[0].record_class}>"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sex": 1}, "sex"),
        ({"birth_date": "1985-04-12"}, "birth_date"),
        ({"expiry_date": LONG_TERM}, "expiry_date"),
        ({"chinese_name": "样本 "}, "chinese_name"),
        ({"chinese_name": "\ud800"}, "chinese_name"),
        ({"nationality": "CA"}, "nationality"),
        ({"number": "9111241981080300"}, "number"),
        ({"reserved_158": b""}, "reserved_158"),
        ({"reserved_158": "blank"}, "reserved_158"),
        ({"renewal_count": "1 "}, "renewal_count"),
        ({"renewal_count": "123"}, "renewal_count"),
    ],
)
def test_a_value_that_is_none_is_refused_by_the_constructor(
    zone: MakeZone, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(RecordError) as error:
        PermanentResident2023(**good(PermanentResident2023, zone, **changes))
    assert [problem.field for problem in error.value.problems] == [field]


def test_reading_needs_no_construct() -> None:
    code = "import sys, prcard.record; assert 'construct' not in sys.modules; print(len(sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.long
def test_long_random_and_mutated_zones() -> None:
    """100,000 inputs without Hypothesis: only documented errors."""
    source = random.Random(2023)
    vectors = [bytes(zone) for zone in _vector_zones()]
    for _ in range(100_000):
        raw = bytearray(source.choice(vectors) if source.random() < 0.8 else source.randbytes(256))
        for _ in range(source.randrange(4)):
            raw[source.randrange(256)] = source.randrange(256)
        data = bytes(raw[: source.choice((256, 256, 256, source.randrange(300)))])
        try:
            record = decode(data)
        except RecordError as error:
            assert error.problems
        else:
            assert encode(record) == data


def _vector_zones() -> list[bytes]:
    zones = []
    for layout in ALL_LAYOUTS:
        for entry in layout.vectors:
            pieces = []
            for text, place in zip(entry.pieces, layout.places(), strict=True):
                raw = text.encode("utf-16-le")
                pieces.append(raw + b" \0" * ((place.length_bytes - len(raw)) // 2))
            zones.append(b"".join(pieces))
    return zones


@pytest.mark.long
def test_long_generated_codec_equals_construct() -> None:
    """The law above on 240,000 zones from a seed: valid, damaged and random in equal parts."""
    source = random.Random(1988)
    for turn in range(240_000):
        layout = ALL_LAYOUTS[turn % len(ALL_LAYOUTS)]
        raw = bytearray(
            source.randbytes(256) if turn % 3 == 2 else b"".join(_content(p.kind, source) for p in layout.places())
        )
        if turn % 3 == 1:
            for _ in range(source.randrange(1, 4)):
                at = source.randrange(128) * 2
                unit = source.choice((0, 0x20, 0x30, 0xD840, 0xDC00, 0xFFFF, 0x3000, 0xFF10, source.randrange(65536)))
                raw[at : at + 2] = unit.to_bytes(2, "little")
        zone = bytes(raw)
        ours = outcome(lambda layout=layout, zone=zone: values(layout, zone))  # type: ignore[misc]  # bound per loop turn
        theirs = outcome(lambda layout=layout, zone=zone: layout.parse(zone))  # type: ignore[misc]  # as above
        assert ours == theirs
        if isinstance(ours, dict):
            assert RECORDS[layout.id].fast_decode(zone).fast_encode() == zone == layout.build(theirs)


def _content(kind: Kind[Any], source: random.Random) -> bytes:
    """Bytes that the kind takes; quicker than Hypothesis, and less inventive."""
    digits = "0123456789"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def draw(characters: str, count: int) -> str:
        return "".join(source.choices(characters, k=count))

    day = date.fromordinal(source.randrange(1, date.max.toordinal()))
    match kind:
        case Text():
            text = draw("ABC -'样本陈𠮷　\ue000é", source.randrange(kind.chars // 2 + 1))
            text = text if source.random() < 0.9 else draw(letters, kind.chars)
        case Digits():
            text = draw(digits, source.choice(kind.lengths))
        case Number15():
            text = draw(letters, 3) + draw(digits, 12)
        case Number18():
            text = draw(digits, 17) + draw(digits + "X", 1)
        case Letters():
            text = draw(letters, kind.chars)
        case Marker():
            text = kind.character
        case Reserved():
            return kind.blank if source.random() < 0.8 else source.randbytes(2 * kind.chars)
        case DateOrLongTerm() if source.random() < 0.3:
            text = "长期"
        case _:
            text = f"{day.year:04d}{day.month:02d}{day.day:02d}"
    raw = text.encode("utf-16-le")
    return raw + b" \0" * (kind.chars - len(raw) // 2)
