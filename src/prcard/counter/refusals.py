"""Every way in which the local service says no: code, HTTP status, and what to do, in Chinese and English."""

from __future__ import annotations

from enum import Enum, unique
from typing import Any

from prcard.errors import PRCardError

__all__ = ["Refusal", "RefusedError", "document"]


@unique
class Refusal(Enum):
    """A reason to refuse a request: (code, HTTP status, Chinese, English)."""

    HOST = (
        "host-not-ours",
        421,
        "主机名不是本服务的。请使用本机回环地址。",
        "The Host is not ours. Use the loopback address.",
    )
    ORIGIN = (
        "origin-not-allowed",
        403,
        "该网页不在允许名单中。请用 --allow-origin 登记。",
        "This page is not on the list. Register it with --allow-origin.",
    )
    NOT_PAIRED = (
        "not-paired",
        401,
        "尚未配对。请输入柜台显示的配对码。",
        "Not paired. Enter the code that the counter shows.",
    )
    WRONG_CODE = (
        "pairing-code-wrong",
        403,
        "配对码错误或已失效。请取新的配对码。",
        "The pairing code is wrong or late. Ask the counter for a new one.",
    )
    TOO_MANY = "too-many-requests", 429, "请求过于频繁，请稍候。", "Too many requests. Wait as Retry-After says."
    TOO_LARGE = "body-too-large", 413, "请求内容过大。", "The body is too large. Send less."
    TOO_SLOW = "body-too-slow", 408, "请求内容未及时送达。", "The body did not arrive in time. Send it at once."
    FULL = (
        "too-many-listeners",
        503,
        "监听者已满。请关闭不用的网页。",
        "Too many listen already. Close pages that are not used.",
    )
    NO_PLACE = (
        "no-such-place",
        404,
        "没有这个地址。请查阅接口文档。",
        "There is no such place. See the reference of the service.",
    )
    NO_METHOD = "method-not-allowed", 405, "该地址不支持此方法。", "This place does not take that method. See Allow."
    MALFORMED = "request-malformed", 422, "请求内容不合规范。", "The request is not as the reference says. Correct it."
    NO_READER = (
        "reader-unknown",
        404,
        "没有这个阅读器。",
        "There is no such reader. List them with GET /api/v1/readers.",
    )
    NO_PRESENCE = (
        "presence-unknown",
        404,
        "该次读卡已清除。请重新放置证件。",
        "This presence is unknown or forgotten. Lay the card down again.",
    )
    NOT_READ = "nothing-read", 409, "尚未读出信息。", "Nothing was read of this card. Wait for its verdict."
    FORBIDDEN = (
        "profile-forbids",
        403,
        "受理方案不允许。请使用允许此用途的方案。",
        "The acceptance profile does not allow it. Use a profile that is made for this purpose.",
    )
    NO_PICTURE = (
        "photo-not-shown",
        404,
        "照片不能显示。请核对证件上的照片。",
        "The photo cannot be shown. Compare the holder with the photo on the card.",
    )
    NOT_TRAINING = (
        "not-a-training-reader",
        409,
        "该阅读器不是培训用虚拟阅读器。",
        "This reader is no virtual one. Training is for readers made by --sim.",
    )
    NOT_LOGGED = (
        "audit-failed",
        503,
        "审计日志无法写入，因此不予显示。请联系技术支持。",
        "The audit log takes no entry, so nothing is shown. Ask support to make room for it.",
    )
    BUSY = "reader-busy", 409, "阅读器正在读取，请稍候。", "The reader is being read. Try again when it is done."

    def __init__(self, code: str, status: int, zh: str, en: str) -> None:
        self.code = code
        self.status = status
        self.zh = zh
        self.en = en


class RefusedError(PRCardError):
    """A request that the counter refuses.

    Attributes:
        refusal: Which and why.
    """

    def __init__(self, refusal: Refusal) -> None:
        """Keeps the refusal; the message is its English text."""
        self.refusal = refusal
        super().__init__(refusal.en)


def document(refusal: Refusal) -> dict[str, Any]:
    """Gives the JSON body of a refusal."""
    return {"error": {"code": refusal.code, "zh": refusal.zh, "en": refusal.en}}
