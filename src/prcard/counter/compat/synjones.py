"""Synjones (新中新): a web service on port 8989, also by JSONP.

Known from the maker's public page on its service and from pages that call it (B): places, keys, that every value is
text, success as `code` "0" and `retcode` "0x90 0x1", a failed read as "0x41", trouble of the reader as "0x1", that
parallel calls are refused. Not known: the retcode for "no card in time" ("0x80" here, after SAM_V) and for parallel
calls ("0x1" here), and for a photo that was not decoded ("0x90 0x0" here); whether keys that belong to other layouts
are left out or empty (all are there here).

Not offered: https on 9199, socket.io on 5000, fingerprints (never handed over), and pictures of the card's two sides.

Source: public documentation of the maker's service, versions 3.0 to 3.3.4, and public pages; observed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Request, Response

from prcard.counter.compat.handover import Handover, NotHandedError, Trouble

if TYPE_CHECKING:
    from prcard.counter.compat.handover import Handed
    from prcard.counter.service import Counter

__all__ = ["CARD_TYPES", "Endpoint", "shape"]

CARD_TYPES: Final = {
    "resident": ("0", "居民身份证"),
    "pr2017": ("1", "2017版外国人永久居留身份证"),
    "hkmt": ("2", "港澳台居民居住证"),
    "pr2023": ("3", "2023版外国人永久居留身份证"),
}
"""Layout -> CardType, CardTypeName."""

DEFAULT_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 60.0
"""The maker's service waits up to an hour; here a page that waits longer asks again."""

_CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.]{0,127}")
_RETCODES: Final = {
    Trouble.NO_READER: ("1", "0x1"),
    Trouble.NO_CARD: ("1", "0x80"),
    Trouble.UNREAD: ("1", "0x41"),
    Trouble.NOT_ACCEPTED: ("1", "0x41"),
    Trouble.BUSY: ("1", "0x1"),
}
_FINGERPRINTS: Final = ("FpDescribe", "FpData", *(
    f"Fp{what}{finger}" for finger in (1, 2) for what in ("FingerName", "Quality", "RegResult", "Feature")
))  # fmt: skip


def shape(card: Handed | None, *, photo: bool = True) -> dict[str, str]:
    """Gives the answer of ReadMsg for a card; without one, the keys with nothing in them."""
    number, title = CARD_TYPES[card.layout] if card else ("", "")
    answer = {"code": "0", "retcode": "0x90 0x1", "retmsg": "操作成功||相片解码解码正确", "errmsg": ""}
    if card is not None and not (card.photo and photo):
        # The photo of a real card is in a closed format: said as the service says that it was not decoded.
        answer |= {"retcode": "0x90 0x0", "retmsg": "操作成功||相片未解码"}
    return answer | {
        "name": card.name if card else "",
        "sex": card.sex if card else "",
        "nation": card.nation if card else "",
        "born": card.day("birth_date") if card else "",
        "address": card.get("address") if card else "",
        "cardno": card.get("number") if card else "",
        "userlifeb": card.day("issue_date") if card else "",
        "userlifee": card.day("expiry_date") if card else "",
        "police": (card.get("issuing_authority") or card.get("authority_code")) if card else "",
        "photobase64": card.photo if card and photo else "",
        **dict.fromkeys(_FINGERPRINTS, ""),
        "CardType": number,
        "CardTypeName": title,
        "Reserved": card.get("previous_number_link") if card else "",
        "EngName": card.get("english_name") if card else "",
        "CertVol": card.get("card_version") if card else "",
        "PassID": card.get("travel_permit_number") if card else "",
        "IssuesTimes": (card.get("issue_count") or card.get("renewal_count")) if card else "",
        "frontImg": "",
        "backImg": "",
    }


class Endpoint:
    """See `Vendor`."""

    name = "synjones"
    scheme = "http"
    port = 8989

    def app(self, counter: Counter) -> FastAPI:
        """See `Vendor.app`."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        handover = Handover(counter, self.name)

        @app.get("/api/ReadMsg")
        async def read(request: Request) -> Response:
            asked = request.query_params
            try:
                card = await handover.card(
                    _wait_s(asked.get("waitTime")),
                    once=asked.get("readOnce") == "1",
                    origin=request.headers.get("origin", ""),
                )
                answer = shape(card, photo=asked.get("NoPhoto") != "1")
            except NotHandedError as error:
                code, retcode = _RETCODES[error.trouble]
                answer = shape(None) | {"code": code, "retcode": retcode, "retmsg": error.zh, "errmsg": error.zh}
            return _answer(request, answer)

        @app.get("/api/GetSAMID")
        async def sam_id(request: Request) -> Response:
            return _answer(request, _short(handover.sam_id(), "未找到读卡器"))

        @app.get("/api/GetIDSerialNo")
        async def serial(request: Request) -> Response:
            # The number of the chip is not read: it identifies a holder, and no profile asks for it.
            return _answer(request, _short("", "不支持"))

        @app.get("/api/Version")
        async def version(request: Request) -> Response:
            return _answer(request, _short("v3.3.4 (prcard)", ""))

        return app


def _short(value: str, problem: str) -> dict[str, str]:
    return {"retcode": "0" if value else "1", "retmsg": value or problem, "errmsg": "" if value else problem}


def _answer(request: Request, document: dict[str, str]) -> Response:
    body = json.dumps(document, ensure_ascii=False)
    callback = request.query_params.get("callback", "")
    if _CALLBACK.fullmatch(callback):
        return Response(f"{callback}({body});", media_type="text/javascript; charset=utf-8")
    plain = request.query_params.get("ie") == "1"
    return Response(body, media_type="text/html; charset=utf-8" if plain else "application/json; charset=utf-8")


def _wait_s(text: str | None) -> float:
    if text and text.isascii() and text.isdigit():
        return min(max(float(text[:6]), 0.05), LONGEST_WAIT_S)
    return DEFAULT_WAIT_S
