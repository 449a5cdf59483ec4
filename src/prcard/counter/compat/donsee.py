"""Donsee (东信): a WebSocket on port 33666 that takes one text command at a time.

Known from pages that call it (B): the commands, also with `|1` behind the read command, which asks for every card from
then on; `rCode` "0" for success and "-2" while no card lies there, else `errMsg` is shown; `fun` repeats the command
with its `#`; the version comes in `errMsg`, the SAM id in `SAMID`. Not known: further values of `rCode` ("-1" here),
the key `cardType` (not sent), and the form of dates (eight digits here).

Not offered: pictures of the card's two sides, other cards (M1, CPU, bank), sound.

Source: public pages that call the service; observed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from prcard.counter.compat.handover import Handover, NotHandedError, Trouble

if TYPE_CHECKING:
    from prcard.counter.compat.handover import Handed
    from prcard.counter.service import Counter

__all__ = ["Endpoint", "shape"]

READ: Final = "EST_Reader_ReadIDCard#"
WAIT_S: Final = 1.0
MAX_COMMAND_CHARS: Final = 200
LONGEST_AUTO_S: Final = 3600.0
_CODES: Final = {Trouble.NO_CARD: "-2"}


def shape(card: Handed) -> dict[str, str]:
    """Gives the answer of the read command for a card."""
    return {
        "fun": READ,
        "rCode": "0",
        "errMsg": "",
        "name": card.name,
        "sex": card.sex,
        "nation": card.nation,
        "birth": card.day("birth_date"),
        "address": card.get("address"),
        "certNo": card.get("number"),
        "department": card.get("issuing_authority") or card.get("authority_code"),
        "effectData": card.day("issue_date"),
        "expire": card.day("expiry_date"),
        "base64Data": card.photo,
        "imageFront": "",
        "imageBack": "",
    }


class Endpoint:
    """See `Vendor`."""

    name = "donsee"
    scheme = "ws"
    port = 33666

    def app(self, counter: Counter) -> FastAPI:
        """See `Vendor.app`."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

        @app.websocket("/{_:path}")
        async def converse(socket: WebSocket) -> None:
            await socket.accept()
            conversation = _Conversation(socket, Handover(counter, self.name))
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await conversation.run()
            conversation.stop()

        return app


class _Conversation:
    """One page on the line."""

    def __init__(self, socket: WebSocket, handover: Handover) -> None:
        self._socket = socket
        self._handover = handover
        self._auto: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            text = (await self._socket.receive_text())[:MAX_COMMAND_CHARS].strip()
            command, _, argument = text.partition("|")
            await self._carry_out(command, argument)

    def stop(self) -> None:
        if self._auto is not None:
            self._auto.cancel()
            self._auto = None

    async def _carry_out(self, command: str, argument: str) -> None:
        if command == READ and argument == "1":
            self.stop()
            self._auto = asyncio.create_task(self._every_card())
        elif command == READ:
            await self._send(await self._read(once=False, wait_s=WAIT_S))
        elif command == "EST_StopReadIDCard#":
            self.stop()
            await self._send(_short(command, "0"))
        elif command == "EST_GetVersion#":
            await self._send(_short(command, "0", "prcard"))
        elif command == "EST_ReaderGertSAMID#":
            sam_id = self._handover.sam_id()
            await self._send(_short(command, "0" if sam_id else "-1", "" if sam_id else "请放证件", SAMID=sam_id))
        else:
            # EST_ReadCertID# among them: the number of the chip identifies a holder, and no profile asks for it.
            await self._send(_short(command, "-1", "不支持"))

    async def _every_card(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                answer = await self._read(once=True, wait_s=LONGEST_AUTO_S)
                if answer["rCode"] == "0":
                    await self._send(answer)
                else:
                    await self._send(answer)
                    await asyncio.sleep(WAIT_S)

    async def _read(self, *, once: bool, wait_s: float) -> dict[str, str]:
        origin = self._socket.headers.get("origin", "")
        try:
            return shape(await self._handover.card(wait_s, once=once, origin=origin))
        except NotHandedError as error:
            return _short(READ, _CODES.get(error.trouble, "-1"), error.zh)

    async def _send(self, answer: dict[str, str]) -> None:
        await self._socket.send_text(json.dumps(answer, ensure_ascii=False))


def _short(command: str, code: str, message: str = "", **more: str) -> dict[str, str]:
    return {"fun": command, "rCode": code, "errMsg": message, **more}
