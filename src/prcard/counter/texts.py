"""The page's words, in Chinese and English; those of checks and reasons come with each verdict.

One catalogue: a text is a pair, so that neither language can be forgotten without the type checker noticing.
"""

from __future__ import annotations

from typing import Final

from prcard.acceptance.messages import CHECKS, OUTCOMES
from prcard.counter.refusals import Refusal
from prcard.errors import ReaderFault

__all__ = ["FAULTS", "LAYOUTS", "PAGE", "page_texts"]

Pair = tuple[str, str]

PAGE: Final[dict[str, Pair]] = {
    "title": ("证件核验柜台", "Card counter"),
    "profile": ("受理方案", "Profile"),
    "language": ("English", "中文"),
    "language.hint": ("Switch to English", "切换为中文"),
    "contrast": ("高对比度", "High contrast"),
    "help": ("快捷键", "Shortcuts"),
    "close": ("关闭", "Close"),
    "connect": ("连接网页", "Connect a page"),
    "skip": ("跳到读卡区", "Skip to the readers"),
    "live.ok": ("已连接", "Connected"),
    "live.lost": ("连接中断，正在重连…", "Connection lost, reconnecting…"),
    "live.back": ("服务已恢复，显示已更新。", "The service is back; this page is up to date."),
    "training": ("培训模式", "TRAINING"),
    "training.explained": (
        "虚拟阅读器与样本证件。此处的结论不得用于业务。",
        "Virtual reader and specimen cards. No verdict here counts for business.",
    ),
    "training.desk": ("培训台", "Training desk"),
    "training.specimen": ("样本", "Specimen"),
    "training.insert": ("放置", "Lay down"),
    "training.remove": ("取走", "Lift"),
    "training.fault": ("故障", "Fault"),
    "training.inject": ("注入故障", "Inject"),
    "state.starting": ("正在连接阅读器…", "Connecting to the reader…"),
    "state.starting.more": ("请稍候。", "One moment."),
    "state.ready": ("请放置证件", "Lay a card on the reader"),
    "state.ready.more": ("放好后请勿移动，直到显示结论。", "Leave it there until the verdict is shown."),
    "state.reading": ("正在读取…", "Reading…"),
    "state.reading.more": ("请勿移动证件。", "Leave the card where it is."),
    "state.lost": ("阅读器不可用", "The reader is not available"),
    "state.unread": ("未能读取证件", "The card could not be read"),
    "verdict.PASSED": ("通过", "Accepted"),
    "verdict.FAILED": ("不通过", "Not accepted"),
    "verdict.INDETERMINATE": ("无法判定", "Cannot be decided"),
    "verdict.PASSED.more": (
        "「{profile}」方案要求的 {count} 项检查全部通过。",
        "All {count} checks that the profile “{profile}” asks for are in order.",
    ),
    "verdict.FAILED.more": ("不通过的必需检查：{count} 项。", "Required checks that are not in order: {count}."),
    "verdict.INDETERMINATE.more": (
        "无法完成的必需检查：{count} 项。",
        "Required checks that could not be decided: {count}.",
    ),
    "verdict.training": ("培训", "training"),
    "evidence": ("来源证明", "Evidence"),
    "photo": ("照片", "Photo"),
    "photo.alt": ("样本照片（并非真人）", "Picture of a specimen (not a person)"),
    "photo.wlt": (
        "照片以封闭格式（WLT）存储，本软件不能显示。请核对证件上的照片。",
        "The photo is in a closed format (WLT) that this software cannot show. Compare with the photo on the card.",
    ),
    "photo.blank": ("证件中没有照片数据。", "The card holds no photo."),
    "photo.unknown": ("照片格式未知，不能显示。", "The photo is in an unknown format and cannot be shown."),
    "photo.withheld": ("本方案不显示照片。", "This profile does not show the photo."),
    "fields": ("证件信息", "On the card"),
    "fields.none": ("文字信息无法解析。", "The text of the card cannot be decoded."),
    "fields.layout": ("证件类型", "Kind of card"),
    "fields.show": ("显示完整信息", "Show in full"),
    "fields.hide": ("重新遮盖", "Mask again"),
    "fields.logged": ("查看将被记录。", "Showing is logged."),
    "fields.was.logged": ("已显示，已记录。", "Shown; this was logged."),
    "checks": ("检查项目", "Checks"),
    "checks.optional": ("不要求", "not required"),
    "checks.minor": ("本方案不要求的检查：{count} 项", "Checks that this profile does not ask for: {count}"),
    "checks.all": ("全部 {count} 项", "All {count}"),
    "checks.good": ("{good} 项正常", "{good} in order"),
    "print": ("打印凭条", "Print slip"),
    "clear": ("清除", "Clear"),
    "lifted": ("证件已取走，信息将自动清除。", "The card was lifted; what was read is cleared soon."),
    "left.behind": ("证件仍在阅读器上！请交还持证人。", "The card is still on the reader! Hand it back."),
    "history": ("本班次", "This shift"),
    "history.none": ("尚无记录。", "Nothing yet."),
    "history.time": ("时间", "Time"),
    "history.reader": ("阅读器", "Reader"),
    "history.number": ("号码（遮盖）", "Number (masked)"),
    "history.unread": ("未读出", "Not read"),
    "history.shown": ("曾显示完整信息", "was shown in full"),
    "history.count": ("共 {count} 张", "Cards: {count}"),
    "pair.title": ("请先配对", "Pair this page first"),
    "pair.why": (
        "只有配对过的网页才能看到证件信息。启动柜台时会显示 8 位配对码，也可运行：prcard counter pair",
        "Only a paired page sees cards. The counter prints a code of eight digits; for a new one: prcard counter pair",
    ),
    "pair.code": ("配对码", "Pairing code"),
    "pair.do": ("配对", "Pair"),
    "code.title": ("连接另一个网页", "Connect another page"),
    "code.why": (
        "在酒店或银行网页中输入此配对码。5 分钟内有效，只能使用一次。",
        "Enter this code in the hotel's or bank's page. It is good for five minutes, once.",
    ),
    "unpair": ("解除本页配对", "Unpair this page"),
    "keys.title": ("键盘快捷键", "Keyboard shortcuts"),
    "keys.on": ("启用单键快捷键", "Single-key shortcuts on"),
    "key.reader": ("选择阅读器", "choose a reader"),
    "key.show": ("显示或遮盖完整信息", "show in full, or mask again"),
    "key.print": ("打印凭条", "print the slip"),
    "key.clear": ("清除", "clear"),
    "key.language": ("切换语言", "switch language"),
    "key.contrast": ("高对比度", "high contrast"),
    "key.help": ("显示本帮助", "show this help"),
    "slip.title": ("证件核验凭条", "Card check slip"),
    "slip.reference": ("编号", "Reference"),
    "slip.note": (
        "本凭条不证明证件由国家签发。号码与姓名已遮盖。",
        "This slip does not show that the state issued the card. Number and names are masked.",
    ),
    "slip.clerk": ("经办人", "Clerk"),
    "selected": ("当前", "selected"),
    "failed.request": ("请求未成功", "The request did not succeed"),
}
"""Key -> (Chinese, English)."""

LAYOUTS: Final[dict[str, Pair]] = {
    "pr2023": ("外国人永久居留身份证（2023版）", "Permanent resident ID card, 2023 edition"),
    "pr2017": ("外国人永久居留身份证（2017版）", "Permanent resident ID card, 2017 edition"),
    "hkmt": ("港澳台居民居住证", "Residence permit, Hong Kong, Macao, Taiwan"),
    "resident": ("居民身份证", "Resident identity card"),
}

FAULTS: Final[dict[ReaderFault, tuple[Pair, Pair]]] = {
    ReaderFault.NOT_FOUND: (
        ("找不到阅读器", "The reader is not there"),
        ("请检查电源与连接线。", "Check power and cable."),
    ),
    ReaderFault.NOT_PERMITTED: (
        ("没有使用阅读器的权限", "This user may not use the reader"),
        ("请联系技术支持（udev 规则或用户组）。", "Ask support: udev rule or group of the port."),
    ),
    ReaderFault.BUSY: (
        ("阅读器被其他程序占用", "Another program uses the reader"),
        ("请关闭其他读卡程序。", "Close the other program."),
    ),
    ReaderFault.AMBIGUOUS: (
        ("连接了多个阅读器", "Several readers are attached"),
        ("请用 --reader 指定一个。", "Name one with --reader."),
    ),
    ReaderFault.BAD_URI: (
        ("阅读器地址不正确", "The reader's address is wrong"),
        ("请联系技术支持改正 --reader。", "Ask support to correct --reader."),
    ),
    ReaderFault.MISSING_EXTRA: (
        ("缺少此类阅读器的支持", "Support for this kind of reader is not installed"),
        ("请联系技术支持。", "Ask support to install it."),
    ),
    ReaderFault.LOST: (
        ("阅读器已断开", "The reader was disconnected"),
        ("请重新插好，恢复后自动继续使用。", "Plug it in again; it is used as soon as it is back."),
    ),
    ReaderFault.SILENT: (
        ("阅读器没有应答", "The reader does not answer"),
        ("请检查电源与连接线，然后重新放置证件。", "Check power and cable, then lay the card down again."),
    ),
    ReaderFault.GARBAGE: (
        ("阅读器的应答有误", "The reader's answers are damaged"),
        ("请重新放置证件；若反复出现，请更换连接线。", "Lay the card down again; if it stays so, change the cable."),
    ),
    ReaderFault.REFUSED: (
        ("阅读器拒绝了请求", "The reader refused"),
        ("请取走证件后重新放置。", "Lift the card and lay it down again."),
    ),
    ReaderFault.NOT_READY: (
        ("阅读器自检未通过", "The reader is not ready"),
        (
            "请重新接通阅读器电源；仍不行请报修。",
            "Switch the reader off and on; have it repaired if that does not help.",
        ),
    ),
    ReaderFault.NO_CARD: (
        ("没有找到证件", "No card was found"),
        ("请把证件平放在读卡区中央。", "Lay the card flat in the middle of the reader."),
    ),
    ReaderFault.CARD_NOT_LIFTED: (
        ("上一张证件尚未取走", "The card before was not lifted"),
        ("请先取走，再放下一张。", "Lift it, then lay the next one down."),
    ),
    ReaderFault.CARD_REMOVED: (
        ("证件取走过早", "The card was lifted too early"),
        ("请重新放置，直到显示结论。", "Lay it down again and leave it until the verdict is shown."),
    ),
    ReaderFault.CARD_REFUSED: (
        ("阅读器未认可此证件", "The reader did not accept the card"),
        ("请核对证件真伪，并用其他方式核实。", "Look whether the card is genuine, and check it by other means."),
    ),
    ReaderFault.CARD_UNREADABLE: (
        ("证件无法读取", "The card could not be read"),
        ("请重新放置；若反复出现，证件可能已损坏。", "Lay it down again; if it stays so, the card may be damaged."),
    ),
    ReaderFault.CARD_SEALED: (
        ("此证件只能用带安全模块的阅读器读取", "This card can be read on a SAM reader only"),
        ("请改用身份证阅读器。", "Use an identity-card reader with a security module."),
    ),
    ReaderFault.CARD_UNKNOWN: (
        ("不是可读取的证件", "The card is none that can be read here"),
        ("请放置另一张证件。", "Lay another card down."),
    ),
    ReaderFault.HUNG: (
        ("阅读器无响应", "The reader hangs"),
        ("请取走证件，拔下阅读器后重新插上。", "Lift the card, unplug the reader and plug it in again."),
    ),
    ReaderFault.SERVICE_DOWN: (
        ("智能卡服务未运行", "The smart card service does not run"),
        ("请联系技术支持（prcard doctor）。", "Ask support: prcard doctor tells what is wrong."),
    ),
}
"""Fault -> what it is, what to do; each in Chinese and English."""


def page_texts() -> dict[str, dict[str, str]]:
    """Gives every text that the page uses: language -> key -> text."""
    pairs: dict[str, Pair] = {
        **PAGE,
        **{f"layout.{name}": pair for name, pair in LAYOUTS.items()},
        f"fault.{Refusal.NOT_LOGGED.code}": (
            "审计日志无法写入，结论不予显示",
            "The audit log cannot be written",
        ),
        f"advice.{Refusal.NOT_LOGGED.code}": ("请联系技术支持。", "Ask support to make room for the log."),
        **{f"fault.{fault.value}": what for fault, (what, _) in FAULTS.items()},
        **{f"advice.{fault.value}": advice for fault, (_, advice) in FAULTS.items()},
        **{f"outcome.{code}": pair for code, pair in OUTCOMES.items()},
        **{f"check.{code}": (title.zh, title.en) for code, title in CHECKS.items()},
        **{f"refusal.{refusal.code}": (refusal.zh, refusal.en) for refusal in Refusal},
    }
    return {lang: {key: pair[at] for key, pair in pairs.items()} for at, lang in enumerate(("zh", "en"))}
