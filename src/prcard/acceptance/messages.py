"""The one catalogue of texts: checks and reasons, in Chinese and English, with advice for the clerk."""

from __future__ import annotations

from typing import Final, NamedTuple

from prcard.trust.reasons import OPERATING_REASONS, TrustReason

__all__ = ["CHECKS", "OUTCOMES", "OWN_REASONS", "REASONS", "Reason", "Title"]


class Title(NamedTuple):
    """Name of a check.

    Attributes:
        number: Its place in the list, from 1.
        zh: Name in Chinese.
        en: Name in English.
    """

    number: int
    zh: str
    en: str


class Reason(NamedTuple):
    """Why a check says what it says; advice is "" where there is nothing to do."""

    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""


CHECKS: Final = {
    "zones-complete": Title(1, "数据区完整", "Zones complete"),
    "text-decodes": Title(2, "文字信息可解析", "Text decodes"),
    "builds-back": Title(3, "可还原为原始字节", "Builds back"),
    "number-check-digit": Title(4, "号码校验位", "Check digit of the number"),
    "number-agrees": Title(5, "号码与其他字段一致", "Number agrees with the other fields"),
    "dates-lawful": Title(6, "日期与有效期合规", "Dates and period of validity"),
    "valid-at-moment": Title(7, "在有效期内", "Valid at the moment"),
    "codes-known": Title(8, "代码可识别", "Codes known"),
    "photo-header": Title(9, "照片数据头", "Header of the photo"),
    "provenance": Title(10, "数据来源", "Where the data came from"),
    "security-object": Title(11, "安全对象", "Security object"),
    "zone-digests": Title(12, "数据区摘要", "Digests of the zones"),
    "signature": Title(13, "签名", "Signature"),
    "chain": Title(14, "证书链", "Certificate chain"),
    "signer-not-revoked": Title(15, "签名者未被撤销", "Signer not revoked"),
    "card-not-revoked": Title(16, "证件未被撤销", "Card not revoked"),
}
"""Every check in its order."""

_LAY_AGAIN: Final = ("请重新放置证件再读一次。", "Lay the card down again and read it once more.")
_OTHER_MEANS: Final = (
    "请核对证件原件，必要时用其他方式核实。",
    "Compare with the card itself, and check it by other means if in doubt.",
)
_REPORT: Final = ("请保留读取结果并联系技术支持。", "Keep the capture and ask support.")

OWN_REASONS: Final = {
    "in-order": Reason("正常", "in order"),
    "needs-record": Reason("文字信息不可用，未检查", "not checked, since the text does not decode"),
    "text-zone-length": Reason("文字信息长度不对", "the text zone has the wrong length", *_LAY_AGAIN),
    "photo-zone-length": Reason("照片信息长度不对", "the photo zone has the wrong length", *_LAY_AGAIN),
    "fingerprint-zone-length": Reason("指纹信息长度不对", "the fingerprint zone has the wrong length", *_LAY_AGAIN),
    "extra-zone-length": Reason("追加地址长度不对", "an additional address has the wrong length", *_LAY_AGAIN),
    "unknown-edition": Reason("未知的证件版本", "the edition of the card is not known", *_REPORT),
    "malformed": Reason("字段内容不合规范", "a field is not as its layout says", *_LAY_AGAIN),
    "unusual-characters": Reason(
        "含自造区或未编码字符", "it holds private-use or unassigned characters", *_OTHER_MEANS
    ),
    "reserved-not-blank": Reason("预留区有内容", "reserved places are not blank"),
    "does-not-build-back": Reason("不能还原为原始字节", "it does not build back to the same bytes", *_REPORT),
    "check-digit-wrong": Reason("号码校验位错误", "the check digit is wrong", *_OTHER_MEANS),
    "number-form-wrong": Reason("号码形式错误", "the number has a wrong form", *_OTHER_MEANS),
    "birth-differs": Reason("号码中的出生日期与证件不符", "the birth date in the number differs", *_OTHER_MEANS),
    "nationality-differs": Reason("号码中的国籍与证件不符", "the nationality in the number differs", *_OTHER_MEANS),
    "sex-differs": Reason("号码中的性别与证件不符", "the sex in the number differs", *_OTHER_MEANS),
    "region-differs": Reason("号码不属于此类证件", "the number is of another kind of card", *_OTHER_MEANS),
    "nationality-unknown": Reason("国籍代码未知，无法核对号码", "the nationality is not known and cannot be compared"),
    "birth-after-issue": Reason("出生日期晚于签发日期", "the birth date is after the date of issue", *_OTHER_MEANS),
    "expiry-before-issue": Reason("截止日期早于签发日期", "the card ends before it begins", *_OTHER_MEANS),
    "validity-too-long": Reason(
        "有效期超过规定年限", "the period of validity is longer than the rules allow", *_OTHER_MEANS
    ),
    "validity-unusual": Reason("有效期与规定年限不同", "the period of validity is not one of the rules"),
    "validity-rule-unknown": Reason(
        "此类证件的有效期规定未知", "no rule for the validity of this kind of card is known"
    ),
    "expired": Reason("证件已过期", "the card has expired", "请持证人换领证件。", "Ask the holder for a valid card."),
    "not-yet-valid": Reason(
        "证件尚未生效", "the card is not valid yet", "请核对日期。", "Check the date of this computer, then the card."
    ),
    "unknown-code": Reason(
        "含未知代码", "a code is in no table", "代码表可能已过时。", "The code tables may be out of date."
    ),
    "specimen-photo": Reason("照片为样本图", "the photo is a specimen's picture"),
    "photo-blank": Reason("照片为空", "the photo zone is blank", *_LAY_AGAIN),
    "photo-unknown": Reason("照片数据头未知", "the photo has an unknown header", *_LAY_AGAIN),
    "photo-missing": Reason("照片不可用，未检查", "not checked, since the photo zone is not whole"),
    "simulated-reader": Reason(
        "数据来自模拟阅读器", "a simulated reader produced the data", "请使用真实阅读器。", "Use a real reader."
    ),
    "specimen-card": Reason("证件为样本", "the card is a specimen", "样本不能用于业务。", "Do not accept a specimen."),
    "training-material": Reason("样本或模拟数据，仅供培训", "specimen or simulated data, good for training only"),
    "sam-not-listed": Reason(
        "阅读器的SAM不在名单中",
        "the reader's SAM is not on the list",
        "请使用登记的阅读器。",
        "Use a reader that is on the list.",
    ),
    "sam-unknown": Reason(
        "阅读器未提供SAM编号",
        "the reader did not tell its SAM id",
        "请使用登记的阅读器。",
        "Use a reader that is on the list.",
    ),
    "no-trust-store": Reason(
        "未提供信任库，未检查",
        "not checked, since no trust material was given",
        "此方案要求签名验证时，请配置信任库。",
        "Give a trust folder where the profile asks for signatures.",
    ),
}
"""The reasons of checks 1 to 10, and of checks that were not made."""

REASONS: Final = {
    **OWN_REASONS,
    **{
        reason.value: Reason(reason.zh, reason.en, reason.advice_zh, reason.advice_en)
        for reason in TrustReason
        if reason is not TrustReason.IN_ORDER and reason not in OPERATING_REASONS
    },
}
"""Every reason that a check can give; those of checks 11 to 16 are defined where signatures are verified."""

OUTCOMES: Final = {
    "PASSED": ("通过", "PASSED"),
    "FAILED": ("不通过", "FAILED"),
    "INDETERMINATE": ("无法判定", "INDETERMINATE"),
    "NOTED": ("注意", "NOTED"),
    "NOT_CHECKED": ("未检查", "NOT CHECKED"),
    "issuer-signed": ("由本方配置的签发者签名", "signed by our configured issuer"),
    "reader-attested": ("由登记的阅读器读取", "read by a listed reader"),
    "unattested": ("无来源证明", "nobody vouches for the data"),
}
"""Outcomes and evidence levels as people read them: Chinese, English."""
