"""Huashi (华视): a web service on port 19196.

Known from pages that call it (B): the places in any case, keys, `resultFlag` 0 for success and -11 for a failed read,
dates as eight digits, 男 and 女. Two habits of those pages shape the answer: they hang `&t=…` behind the place without
a question mark, and some take values out by a pattern that wants `"key" : "value"` with blanks, each on a line of its
own. Not known: further values of `resultFlag` (-1 here when there is no reader), and `certType` of the 2023 card (`Y`
here, the marker on the card).

Source: public pages that call the service; observed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Request, Response

from prcard.counter.compat.handover import Handover, NotHandedError, Trouble

if TYPE_CHECKING:
    from prcard.counter.compat.handover import Handed
    from prcard.counter.service import Counter

__all__ = ["CERT_TYPES", "Endpoint", "shape"]

CERT_TYPES: Final = {"resident": " ", "hkmt": "J", "pr2017": "I", "pr2023": "Y"}
"""Layout -> certType."""

WAIT_S: Final = 1.0
_FLAGS: Final = {Trouble.NO_READER: -1}
_READ_FAILED: Final = -11


def shape(card: Handed | None) -> dict[str, str | int]:
    """Gives the answer of readcard for a card; without one, the keys with nothing in them."""
    return {
        "resultFlag": 0,
        "errorMsg": "",
        "partyName": card.name if card else "",
        "gender": card.sex if card else "",
        "nation": card.nation if card else "",
        "nationCode": (card.get("nationality") or card.get("nation")) if card else "",
        "bornDay": card.day("birth_date") if card else "",
        "certAddress": card.get("address") if card else "",
        "certNumber": card.get("number") if card else "",
        "certOrg": (card.get("issuing_authority") or card.get("authority_code")) if card else "",
        "effDate": card.day("issue_date") if card else "",
        "expDate": card.day("expiry_date") if card else "",
        "identityPic": card.photo if card else "",
        "certType": CERT_TYPES[card.layout] if card else "",
    }


class Endpoint:
    """See `Vendor`."""

    name = "huashi"
    scheme = "http"
    port = 19196

    def app(self, counter: Counter) -> FastAPI:
        """See `Vendor.app`."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        handover = Handover(counter, self.name)

        @app.api_route("/{place:path}", methods=["GET", "POST"])
        async def call(place: str, request: Request) -> Response:
            verb = place.partition("&")[0].lower()
            if verb in {"opendevice", "closedevice"}:
                return _answer({"resultFlag": 0, "errorMsg": ""})
            if verb != "readcard":
                return Response(status_code=404)
            try:
                return _answer(shape(await handover.card(WAIT_S, origin=request.headers.get("origin", ""))))
            except NotHandedError as error:
                flag = _FLAGS.get(error.trouble, _READ_FAILED)
                return _answer(shape(None) | {"resultFlag": flag, "errorMsg": error.zh})

        return app


def _answer(document: dict[str, str | int]) -> Response:
    body = json.dumps(document, ensure_ascii=False, indent=0, separators=(",", " : "))
    return Response(body, media_type="application/json; charset=utf-8")
