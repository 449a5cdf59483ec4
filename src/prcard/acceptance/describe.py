"""A profile in words and as JSON, with what a reviewer should look at; every form says that it is no legal advice."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance.messages import CHECKS
from prcard.acceptance.profile import ALL_FIELDS, DEFAULTS, NO_LEGAL_ADVICE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from prcard.acceptance.profile import Profile

__all__ = ["REVIEW_YEARS", "profile_document", "profile_lines", "profile_remarks"]

REVIEW_YEARS: Final = 1
"""A review that is older than this is remarked: laws change."""

_UNCONFIRMED: Final = {"zh": "（未确认）", "en": " (NOT CONFIRMED)"}


def profile_document(profile: Profile) -> dict[str, Any]:
    """Gives a profile as JSON, in the words of its file, with what follows from it."""
    document = asdict(profile)
    document["keep"] = [
        {**asdict(rule), "floor": str(rule.floor), "counted_from": rule.counted_from.value} for rule in profile.keep
    ]
    return {
        **document,
        "keeps_photo": profile.keeps_photo,
        "no_legal_advice_zh": NO_LEGAL_ADVICE[0],
        "no_legal_advice_en": NO_LEGAL_ADVICE[1],
    }


def profile_remarks(profile: Profile, given: Collection[str], today: date) -> list[tuple[str, str]]:
    """Gives what a reviewer should look at, as Chinese and English sentences; none of it makes a profile wrong.

    Args:
        profile: The profile.
        given: The keys that its file names.
        today: The day of the review.
    """
    left = ", ".join(key for key in DEFAULTS if key not in given)
    kind = ", ".join(key for key in DEFAULTS if key.startswith("allow_") and getattr(profile, key))
    missing = ", ".join(code for code, title in CHECKS.items() if title.number <= 10 and code not in profile.required)
    unheard = "reader-attested" in profile.evidence and not profile.sam_allow_list
    table = (
        (left, f"使用默认值的键：{left}", f"keys left to their defaults: {left}"),
        (not profile.reviewed_by, "尚无人审阅", "nobody has reviewed it"),
        (_review_is_old(profile, today), "审阅已超过一年", "the review is more than a year old"),
        (not profile.basis, "没有写明依据", "it names no basis"),
        (not profile.evidence, "不要求来源证明", "it asks nobody to vouch for the data"),
        (kind, f"只适合培训：{kind}", f"good for training only: {kind}"),
        ("*" in profile.sam_allow_list, "名单中的 * 登记了所有阅读器", "the entry * registers every reader there is"),
        (unheard, "未登记阅读器：只有签发者签名的证件能通过", "no reader is registered: only signed cards pass"),
        (ALL_FIELDS in profile.may_show, "所有字段都可显示", "every field may be shown"),
        (missing, f"不要求的检查：{missing}", f"checks that it does not require: {missing}"),
        (profile.keeps_photo, "照片会被保存：属敏感信息", "the photo is kept: it is sensitive"),
    )
    return [(zh, en) for holds, zh, en in table if holds]


def _review_is_old(profile: Profile, today: date) -> bool:
    return bool(profile.reviewed_on) and (today - date.fromisoformat(profile.reviewed_on)).days > 366 * REVIEW_YEARS


def profile_lines(profile: Profile, lang: str) -> Iterator[str]:
    """Gives a profile in words, line by line.

    Args:
        profile: What to tell.
        lang: `zh` or `en`.
    """
    # Long because it is one page, told from top to bottom.
    zh = lang == "zh"

    def mark(*, confirmed: bool) -> str:
        return "" if confirmed else _UNCONFIRMED[lang]

    def pick(in_zh: str, in_en: str) -> str:
        return in_zh if zh else in_en

    yield f"{profile.name} {profile.version}: {pick(profile.title_zh, profile.title_en)}"
    yield pick(profile.purpose_zh or profile.purpose, profile.purpose)
    yield pick(f"自 {profile.applies_from} 起适用，修改于 {profile.date}", "") or (
        f"Applies from {profile.applies_from}, changed on {profile.date}"
    )
    yield pick("审阅：", "Reviewed by: ") + (
        f"{profile.reviewed_by}, {profile.reviewed_on}" if profile.reviewed_by else pick("无", "nobody")
    )
    yield pick("依据：", "Rests on: ") + profile.source
    for basis in profile.basis:
        since = f" [{basis.since}]" if basis.since else ""
        yield f"  - {pick(basis.zh, basis.en)}{since} ({basis.source}){mark(confirmed=basis.confirmed)}"
    titles = ", ".join(pick(CHECKS[code].zh, CHECKS[code].en) for code in profile.required)
    yield pick("必须合格的检查：", "Checks that must be good: ") + titles
    yield pick("足够的来源证明：", "Evidence that is enough: ") + (
        " | ".join(profile.evidence) or pick("不要求", "none")
    )
    needed = pick("必须", "required") if profile.online_required else pick("非必须", "not required")
    yield pick("联网核查：", "Online check: ") + (
        f"{profile.online_check} ({needed})" if profile.online_check != "none" else pick("无", "none")
    )
    yield pick("可显示：", "May be shown: ") + ", ".join(profile.may_show)
    yield pick("可打印：", "May be printed: ") + ", ".join(profile.may_print)
    yield pick("照片可否保存：", "Photo may be kept: ") + (
        pick("可", "yes") if profile.keeps_photo else pick("否", "no")
    )
    if not profile.keep:
        yield pick("保存：不保存任何字段", "Kept: nothing")
    for rule in profile.keep:
        names = ", ".join(rule.fields)
        yield f"{pick('保存', 'Kept')}: {names}"
        yield f"  {rule.floor}, {rule.counted_from.value} ({rule.source}){mark(confirmed=rule.confirmed)}"
    for code in profile.document_codes:
        words = pick("证件种类代码", "Document-type code")
        yield f"{words}: {code.code}, {code.used_in} ({code.source}){mark(confirmed=code.confirmed)}"
    if profile.entry is not None:
        form = profile.entry
        words = pick("录入方式", "Entered as")
        yield (
            f"{words}: sex {form.sex_form}, nationality {form.nationality_form}, "
            f"name at most {form.name_max_chars or '∞'} ({form.source}){mark(confirmed=form.confirmed)}"
        )
    for text in profile.unconfirmed:
        yield f"{pick('未确认', 'Not confirmed')}: {text}"
    yield NO_LEGAL_ADVICE[0 if zh else 1]
