"""The residence permit for Hong Kong, Macao and Taiwan residents."""

from __future__ import annotations

from datetime import date

from construct import Struct

from prcard.record.kinds import Date, Digits, Marker, Number18, Reserved, Text
from prcard.record.layouts.layout import Layout, Vector, place

__all__ = ["HKMTLayout"]


class HKMTLayout(Layout):
    """The residence permit for Hong Kong, Macao and Taiwan residents (港澳台居民居住证), marked J."""

    id = "hkmt"
    marker = "J"
    record_class = "HKMTResidencePermit"
    title_zh = "港澳台居民居住证"
    title_en = "Residence permit for Hong Kong, Macao and Taiwan residents"
    source = "港澳台居民居住证机读信息规范(试行版), makers' headers (A)"
    struct = Struct(
        place("name", Text(15), "姓名", "Name"),
        place("sex", Digits(1), "性别代码", "Sex", note="GB/T 2261.1"),
        place("reserved_32", Reserved(2), "预留区", "Reserved", note="the resident card's ethnicity"),
        place("birth_date", Date(), "出生日期", "Date of birth"),
        place("address", Text(35), "住址", "Address"),
        place("number", Number18(), "公民身份号码", "Identity number", note="region 810000, 820000 or 830000"),
        place("issuing_authority", Text(15), "签发机关", "Issuing authority"),
        place("issue_date", Date(), "有效期起始日期", "Valid from"),
        place("expiry_date", Date(), "有效期截止日期", "Valid to"),
        place("travel_permit_number", Text(9), "通行证号码", "Travel permit number"),
        place(
            "issue_count",
            Digits(2, (0, 1, 2)),
            "签发次数",
            "Issues",
            confirmed=False,
            note="padding of fewer than two digits is not confirmed",
        ),
        place("reserved_242", Reserved(3), "预留区", "Reserved"),
        place("type_marker", Marker("J"), "证件类型标识", "Type marker"),
        place("reserved_250", Reserved(3), "预留区", "Reserved"),
    )
    vectors = (
        Vector(
            "Hong Kong",
            (
                *("样本狄娜", "2", "", "19940823", "广东省样本大道8号", "810000199408230021", "样本公安局"),
                *("20230901", "20280831", "H00000000", "01", "", "J", ""),
            ),
            {"number": "810000199408230021", "travel_permit_number": "H00000000", "issue_count": "01"},
        ),
        Vector(
            "one digit in the issue count, reserved bytes kept",
            (
                *("样本金", "1", "XX", "19920130", "福建省样本街66号", "830000199201300022", "样本公安局"),
                *("20220701", "20270630", "00000000", "1", "", "J", "ABC"),
            ),
            {
                "issue_count": "1",
                "reserved_32": b"X\0X\0",
                "reserved_250": b"A\0B\0C\0",
                "expiry_date": date(2027, 6, 30),
            },
        ),
    )
