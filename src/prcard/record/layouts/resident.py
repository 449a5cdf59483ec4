"""The resident identity card."""

from __future__ import annotations

from datetime import date

from construct import Struct

from prcard.record.kinds import LONG_TERM, Date, DateOrLongTerm, Digits, Marker, Number18, Reserved, Text
from prcard.record.layouts.layout import Layout, Vector, place

__all__ = ["ResidentLayout"]


class ResidentLayout(Layout):
    """The resident identity card (居民身份证), marked by a blank."""

    id = "resident"
    marker = " "
    record_class = "ResidentIdentityCard"
    title_zh = "居民身份证"
    title_en = "Resident identity card"
    source = "GA 490, SAM_V interface document (A)"
    struct = Struct(
        place("name", Text(15), "姓名", "Name"),
        place("sex", Digits(1), "性别代码", "Sex", note="GB/T 2261.1"),
        place("nation", Digits(2), "民族代码", "Ethnicity", note="GB/T 3304"),
        place("birth_date", Date(), "出生日期", "Date of birth"),
        place("address", Text(35), "住址", "Address"),
        place("number", Number18(), "公民身份号码", "Citizen identity number", note="GB 11643"),
        place("issuing_authority", Text(15), "签发机关", "Issuing authority"),
        place("issue_date", Date(), "有效期起始日期", "Valid from"),
        place("expiry_date", DateOrLongTerm(), "有效期截止日期", "Valid to"),
        place("reserved_220", Reserved(14), "预留区", "Reserved"),
        place("type_marker", Marker(" "), "证件类型标识", "Type marker"),
        place("reserved_250", Reserved(3), "预留区", "Reserved"),
    )
    vectors = (
        Vector(
            "no end date",
            (
                *("样本陈", "1", "01", "19580203", "北京市朝阳区样本路1号", "110105195802030014", "样本公安局"),
                *("20100506", "长期", "", " ", ""),
            ),
            {"name": "样本陈", "birth_date": date(1958, 2, 3), "expiry_date": LONG_TERM, "reserved_220": b" \0" * 14},
        ),
        Vector(
            "rare ideographs take two units",
            (
                *("样本𠮷𤭢", "2", "44", "19920109", "𡒄样本村", "530102199201090024", "样本公安局"),
                *("20200810", "20400810", "", " ", ""),
            ),
            {"name": "样本𠮷𤭢", "address": "𡒄样本村", "expiry_date": date(2040, 8, 10)},
        ),
    )
