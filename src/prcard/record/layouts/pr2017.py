"""The foreign permanent resident ID card, 2017 edition."""

from __future__ import annotations

from datetime import date

from construct import Struct

from prcard.record.kinds import Date, Digits, Letters, Marker, Number15, Reserved, Text
from prcard.record.layouts.layout import Layout, Vector, place

__all__ = ["PR2017Layout"]


class PR2017Layout(Layout):
    """The foreign permanent resident ID card (外国人永久居留身份证), 2017 edition, marked I."""

    id = "pr2017"
    marker = "I"
    record_class = "PermanentResident2017"
    title_zh = "外国人永久居留身份证(2017版)"
    title_en = "Foreign permanent resident ID card, 2017 edition"
    source = "machine-readable table of the 2017 card as published, makers' headers (A)"
    struct = Struct(
        place("english_name", Text(60), "英文姓名", "English name"),
        place("sex", Digits(1), "性别代码", "Sex", note="GB/T 2261.1"),
        place("number", Number15(), "永久居留证号码", "Card number"),
        place("nationality", Letters(3), "国籍代码", "Nationality", note="ISO 3166-1 alpha-3 (GB/T 2659)"),
        place("chinese_name", Text(15), "中文姓名", "Chinese name", note="may be blank"),
        place("issue_date", Date(), "证件签发日期", "Valid from"),
        place("expiry_date", Date(), "证件终止日期", "Valid to"),
        place("birth_date", Date(), "出生日期", "Date of birth"),
        place("card_version", Digits(2), "证件版本号", "Card version", note="01 seen"),
        place(
            "authority_code",
            Digits(4),
            "当次申请受理机关代码",
            "Authority code",
            note="authority that took the present application; 1500 seen",
        ),
        place("type_marker", Marker("I"), "证件类型标识", "Type marker"),
        place("reserved_250", Reserved(3), "预留区", "Reserved"),
    )
    vectors = (
        Vector(
            "both names",
            (
                *("SPECIMEN, ROBERT JAMES", "1", "USA310079113012", "USA", "样本罗伯特", "20180601", "20280531"),
                *("19791130", "01", "1500", "I", ""),
            ),
            {"english_name": "SPECIMEN, ROBERT JAMES", "chinese_name": "样本罗伯特", "birth_date": date(1979, 11, 30)},
        ),
        Vector(
            "blank Chinese name, English name of full length",
            (
                *("SPECIMEN " * 6 + "ABCDEF", "2", "CAN110081080310", "CAN", "", "20180601", "20280531"),
                *("19810803", "01", "1500", "I", ""),
            ),
            {"english_name": "SPECIMEN " * 6 + "ABCDEF", "chinese_name": "", "authority_code": "1500"},
        ),
    )
