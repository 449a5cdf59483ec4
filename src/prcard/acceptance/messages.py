"""The one catalogue of texts: checks and reasons, in Chinese and English, with advice for the clerk."""

from __future__ import annotations

from typing import Final, NamedTuple

from prcard.acceptance.indications import Indication, indication_of
from prcard.trust.reasons import TrustReason

__all__ = [
    "BRANCHES",
    "CHECKS",
    "CHECK_REASONS",
    "DERIVED_CHECKS",
    "OUTCOMES",
    "OWN_REASONS",
    "REASONS",
    "Reason",
    "Title",
]


class Title(NamedTuple):
    """Name of a check, the rule that it judges by, and where the rule is from.

    Attributes:
        number: Its place in the list, from 1.
        zh: Name in Chinese.
        en: Name in English.
        rule_zh: The rule in Chinese.
        rule_en: The rule in English.
        source: Where the rule is from.
    """

    number: int
    zh: str
    en: str
    rule_zh: str
    rule_en: str
    source: str


class Reason(NamedTuple):
    """Why a check says what it says; advice is "" where there is nothing to do."""

    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""


_LDS: Final = "ICAO Doc 9303 part 10, EF.SOD"
_OURS: Final = "this project"

CHECKS: Final = {
    "zones-complete": Title(
        1,
        "数据区完整",
        "Zones complete",
        "文字256字节，照片1024字节，指纹0、512或1024字节，追加地址至多4条、每条70字节",
        "text has 256 bytes, photo 1024, fingerprint 0, 512 or 1024, at most 4 additional addresses of 70 each",
        "machine-readable rules of the cards (GA/T 490-2019 and successors, A)",
    ),
    "text-decodes": Title(
        2,
        "文字信息可解析",
        "Text decodes",
        "版本标志已知，每个字段符合其版本的格式",
        "the edition is known and every field is as its layout says",
        "layouts of the four cards (reference: layouts)",
    ),
    "builds-back": Title(
        3,
        "可还原为原始字节",
        "Builds back",
        "由解析值重新编码得到相同字节",
        "encoding the decoded values gives the same bytes",
        _OURS,
    ),
    "number-check-digit": Title(
        4,
        "号码校验位",
        "Check digit of the number",
        "18位号码按MOD 11-2，15位号码按7-3-1加权",
        "MOD 11-2 for 18 characters, weights 7-3-1 for 15",
        "GB 11643, ISO/IEC 7064; ICAO Doc 9303 part 3",
    ),
    "number-agrees": Title(
        5,
        "号码与其他字段一致",
        "Number agrees with the other fields",
        "号码中的出生日期、国籍、证件种类和（仅18位）性别与各字段一致",
        "birth date, nationality, kind of card and (18 characters only) sex in the number are those of the fields",
        "number rules of 2017 and 2023 (A); GB 11643",
    ),
    "dates-lawful": Title(
        6,
        "日期与有效期合规",
        "Dates and period of validity",
        "出生不晚于签发，签发不晚于截止，有效期不超过该年龄的规定年限",
        "birth is not after issue, issue not after expiry, and the period no longer than the rules allow at that age",
        "居民身份证法 art. 5 (A); permanent resident cards: 5 years under 18, else 10 (B)",
    ),
    "valid-at-moment": Title(
        7,
        "在有效期内",
        "Valid at the moment",
        "判定当日（中国时间）在有效期内，首日和末日均有效",
        "the day in China lies in the period of validity; first and last day count",
        "dates on the card",
    ),
    "codes-known": Title(
        8,
        "代码可识别",
        "Codes known",
        "性别、民族、国籍、省份代码在代码表中；未知者只提示",
        "codes of sex, nation, nationality and province are in their tables; an unknown one is only remarked",
        "GB/T 2261.1, GB/T 3304, GB/T 2659, GB/T 2260",
    ),
    "photo-header": Title(
        9,
        "照片数据头",
        "Header of the photo",
        "照片区以照片数据头开始；图像本身不解码",
        "the photo zone begins as a photo does; the picture itself is not decoded",
        "observed headers (D)",
    ),
    "provenance": Title(
        10,
        "数据来源",
        "Where the data came from",
        "样本和模拟阅读器只用于培训",
        "specimens and simulated readers are good for training only",
        _OURS,
    ),
    "security-object": Title(
        11,
        "安全对象",
        "Security object",
        "安全对象符合规范",
        "the security object follows its profile",
        _LDS,
    ),
    "zone-digests": Title(
        12,
        "数据区摘要",
        "Digests of the zones",
        "每个数据区与签名时相同，无增减",
        "every zone is what was signed, none added, none missing",
        _LDS,
    ),
    "signature": Title(13, "签名", "Signature", "签名正确", "the signature holds", "RFC 5652; ICAO Doc 9303 part 12"),
    "chain": Title(
        14,
        "证书链",
        "Certificate chain",
        "签名者由本方信任的签发机构授权，且可签署此类证件",
        "an issuer trusted here vouches for the signer, who may sign this kind of document",
        "ICAO Doc 9303 part 12; RFC 5280",
    ),
    "signer-not-revoked": Title(
        15,
        "签名者未被撤销",
        "Signer not revoked",
        "现行撤销列表中没有签名者",
        "a current list of revoked signers does not name the signer",
        "RFC 5280; ICAO Doc 9303 part 12",
    ),
    "card-not-revoked": Title(
        16,
        "证件未被撤销",
        "Card not revoked",
        "现行状态列表中证件有效",
        "a current status list calls the card valid",
        "this project, after IETF Token Status List",
    ),
    "evidence": Title(
        17,
        "来源证明",
        "Who vouches for the data",
        "由本方配置的签发者签名，或由登记的阅读器读取，以方案所列者为准",
        "our configured issuer signed the data, or a registered reader read them, as the profile allows",
        "this project; state cards are authenticated by the SAM in the reader and carry no signature",
    ),
    "online-check": Title(
        18,
        "联网核查",
        "Online check",
        "主管部门的联网核查答复一致",
        "the authority's online check answers that it matches",
        "NIA 出入境证件身份认证 measures of 2019-09-11, trial (unconfirmed in detail)",
    ),
    "face-compare": Title(
        19,
        "人像比对",
        "Face comparison",
        "比对分值达到方案要求；只留分值和证据编号",
        "the score reaches what the profile asks; only score and evidence id are kept",
        "face recognition measures in force 2025-06-01 (press summary)",
    ),
}
"""Every check in its order."""


class BranchTitle(NamedTuple):
    """One branch of the tree of checks.

    Attributes:
        zh: Its question in Chinese.
        en: Its question in English.
        checks: Codes of its checks.
    """

    zh: str
    en: str
    checks: tuple[str, ...]


BRANCHES: Final = {
    "form": BranchTitle(
        "数据完整可读吗",
        "Are the data whole and readable?",
        ("zones-complete", "text-decodes", "builds-back", "photo-header"),
    ),
    "content": BranchTitle(
        "内容彼此一致吗",
        "Do they agree with each other?",
        ("number-check-digit", "number-agrees", "dates-lawful", "codes-known"),
    ),
    "moment": BranchTitle("此刻有效吗", "Is the card valid now?", ("valid-at-moment",)),
    "origin": BranchTitle("数据从何而来", "Who vouches for the data?", ("provenance", "evidence")),
    "signature": BranchTitle(
        "签名成立吗", "Does the signature hold?", ("security-object", "zone-digests", "signature", "chain")
    ),
    "revocation": BranchTitle("被撤销了吗", "Is anything revoked?", ("signer-not-revoked", "card-not-revoked")),
    "outside": BranchTitle("外部核查如何", "What do others say?", ("online-check", "face-compare")),
}
"""The tree of checks; each check stands in exactly one branch."""

DERIVED_CHECKS: Final = {"evidence": "evidence", "online-check": "online_required", "face-compare": "face_min_score"}
"""Check -> the key of a profile that makes it required; these are not named in `required`."""

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
        "阅读器的SAM不在名单中，也没有有效的签发者签名",
        "the reader's SAM is not on the list, and no issuer's signature holds",
        "如阅读器属于本单位：核对机身编号后，把证据中的sam_id加入方案的sam_allow_list，或用 --sam-allow 给出。",
        "If the reader is your house's own: compare its label, then add the sam_id of the evidence to sam_allow_list "
        "of your profile, or give it with --sam-allow.",
    ),
    "sam-unknown": Reason(
        "阅读器未提供SAM编号，也没有有效的签发者签名",
        "the reader did not tell its SAM id, and no issuer's signature holds",
        "请用能给出SAM编号的认证阅读器再读一次。",
        "Read the card again on a certified reader that tells its SAM id.",
    ),
    "no-reader-registered": Reason(
        "本方尚未登记任何阅读器，也没有有效的签发者签名",
        "no reader is registered here yet, and no issuer's signature holds",
        "登记阅读器：核对机身编号后，把证据中的sam_id加入方案的sam_allow_list，或用 --sam-allow 给出。",
        "Register the reader: compare its label, then add the sam_id of the evidence to sam_allow_list of "
        "your profile, or give it with --sam-allow.",
    ),
    "signature-needed": Reason(
        "本方案要求签发者签名",
        "this profile asks for an issuer's signature",
        "请出示由本方签发者签名的证件。",
        "Ask for a card that your configured issuer signed.",
    ),
    "evidence-not-asked": Reason("本方案不要求来源证明", "this profile asks for no evidence of origin"),
    "online-not-asked": Reason(
        "未进行联网核查",
        "no online check was made",
        "如业务需要，请通过主管部门的服务核查。",
        "Where the purpose asks for it, check with the authority's service.",
    ),
    "online-not-available": Reason(
        "联网核查没有答复",
        "the online check gave no answer",
        "请稍后再查；没有答复不等于一致。",
        "Try again later; no answer is not a match.",
    ),
    "online-no-match": Reason(
        "联网核查不一致",
        "the online check answers that it does not match",
        "请核对录入的姓名、号码和出生日期；仍不一致的不得受理。",
        "Compare the name, number and birth date that were sent; do not accept the card if it stays so.",
    ),
    "online-stand-in": Reason(
        "答复来自培训用替身",
        "a stand-in for training gave the answer",
        "请使用主管部门的服务。",
        "Use the authority's service.",
    ),
    "face-not-compared": Reason(
        "未进行人像比对", "no face comparison was made", "请人工比对照片与持证人。", "Compare photo and holder by eye."
    ),
    "face-score-only": Reason(
        "已记录比对分值，本方案不以分值判定", "a score is recorded, but this profile does not judge by it"
    ),
    "face-score-low": Reason(
        "比对分值低于方案要求",
        "the score is below what the profile asks",
        "请人工比对照片与持证人；机器分值不能单独作为拒绝理由。",
        "Compare photo and holder by eye; a machine's score alone is no ground to refuse.",
    ),
    "no-trust-store": Reason(
        "未提供信任库，未检查",
        "not checked, since no trust material was given",
        "请用 --trust 给出信任文件夹。",
        "Give a trust folder with --trust.",
    ),
}
"""The reasons of checks 1 to 10 and 17 to 19, and of checks that were not made."""

REASONS: Final = {
    **OWN_REASONS,
    **{
        reason.value: Reason(reason.zh, reason.en, reason.advice_zh, reason.advice_en)
        for reason in TrustReason
        if reason is not TrustReason.IN_ORDER
    },
}
"""Every reason; those of checks 11 to 16 are defined where signatures are verified."""

CHECK_REASONS: Final = {
    code: reason for code, reason in REASONS.items() if indication_of(code) is not Indication.OPERATION
}
"""The reasons that a check of a card can give; the others are those of operations with keys, lists and folders."""

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
