"""The foreign permanent resident ID card, 2023 edition."""

from __future__ import annotations

from datetime import date

from construct import Struct

from prcard.record.kinds import Date, Digits, Letters, Marker, Number18, Reserved, Text
from prcard.record.layouts.layout import Layout, Vector, place

__all__ = ["PR2023Layout"]


class PR2023Layout(Layout):
    """The foreign permanent resident ID card (外国人永久居留身份证), 2023 edition, marked Y.

    The rules behind it (机读信息规则 2023, GA 2102-2023) were not read; places and kinds rest on the code of several
    makers that agree.
    """

    id = "pr2023"
    marker = "Y"
    record_class = "PermanentResident2023"
    title_zh = "外国人永久居留身份证(2023版)"
    title_en = "Foreign permanent resident ID card, 2023 edition"
    source = "several makers' headers and reader programs that agree (A); GA 2102-2023 itself not read"
    struct = Struct(
        place("chinese_name", Text(15), "中文姓名", "Chinese name", note="may be blank"),
        place("sex", Digits(1), "性别代码", "Sex", note="GB/T 2261.1"),
        place(
            "renewal_count",
            Digits(2, (0, 1, 2)),
            "换证次数",
            "Renewals",
            confirmed=False,
            note="00 seen; padding of fewer than two digits is not confirmed",
        ),
        place("birth_date", Date(), "出生日期", "Date of birth"),
        place(
            "english_name",
            Text(35),
            "英文姓名",
            "English name",
            confirmed=False,
            note="characters 1–35; whether the break is at a fixed character is not confirmed",
        ),
        place("number", Number18(), "永久居留证号码", "Card number", note="first digit 9"),
        place("reserved_158", Reserved(15), "预留区", "Reserved", confirmed=False, note="content not confirmed"),
        place("issue_date", Date(), "证件签发日期", "Valid from"),
        place("expiry_date", Date(), "证件终止日期", "Valid to"),
        place(
            "english_name_rest",
            Text(11),
            "英文姓名备用",
            "English name, rest",
            confirmed=False,
            part_of="english_name",
            note="characters 36–46; names beyond that are not confirmed",
        ),
        place("nationality", Letters(3), "国籍代码", "Nationality", note="ISO 3166-1 alpha-3 (GB/T 2659)"),
        place("type_marker", Marker("Y"), "证件类型标识", "Type marker"),
        place(
            "previous_number_link",
            Digits(3, (0, 3)),
            "既往版本证件号码关联项",
            "Link to the previous number",
            confirmed=False,
            note="city code and sequence of the 2017 card's number; blank if there was none (B)",
        ),
    )
    vectors = (
        Vector(
            "both names, old card",
            (
                *("样本爱丽", "2", "00", "19810803", "SPECIMEN, ALICE", "911124198108030024", ""),
                *("20240301", "20340228", "", "CAN", "Y", "001"),
            ),
            {"english_name": "SPECIMEN, ALICE", "number": "911124198108030024", "previous_number_link": "001"},
        ),
        Vector(
            "English name over both places, blank Chinese name, no old card",
            (
                *("", "1", "", "19850101", "SPECIMEN-DE-LA-LONGUE-FONTAINE, EMI", "932682198501010017", ""),
                *("20240115", "20340114", "LE ALPHONSE", "SAU", "Y", ""),
            ),
            {"english_name": "SPECIMEN-DE-LA-LONGUE-FONTAINE, EMILE ALPHONSE", "previous_number_link": ""},
        ),
        Vector(
            "the break of the English name falls on its blank",
            (
                *("样本𠮷", "2", "1", "19850101", "SPECIMEN-DE-LA-LONGUE-FONTAINE MIA", "932682198501010017", "?"),
                *("20240115", "20340114", "EMILIA", "SAU", "Y", "120"),
            ),
            {"english_name": "SPECIMEN-DE-LA-LONGUE-FONTAINE MIA EMILIA", "issue_date": date(2024, 1, 15)},
        ),
    )
