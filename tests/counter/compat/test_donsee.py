"""The Donsee shape over a real WebSocket, spoken by hand."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import pytest

READ = "EST_Reader_ReadIDCard#"


class Line:
    """A WebSocket client of a few lines, so that another hand checks what the server speaks (RFC 6455)."""

    def __init__(self, url: str, origin: str = "https://pms.example") -> None:
        host = url.removeprefix("ws://").rstrip("/")
        self.socket = socket.create_connection(tuple(host.split(":")), 20)  # type: ignore[arg-type]
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: {origin}\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.socket.sendall(bytes((0x81, 0x80 | len(data))) + mask + masked)

    def take(self) -> dict[str, Any]:
        head = self.file.read(2)
        length = head[1]
        if length == 126:
            (length,) = struct.unpack(">H", self.file.read(2))
        document: dict[str, Any] = json.loads(self.file.read(length))
        return document

    def ask(self, text: str) -> dict[str, Any]:
        self.send(text)
        return self.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def at_desk(serve: Any) -> Iterator[Any]:
    with serve(vendors=("donsee",)) as served:
        yield served


@pytest.fixture
def line(at_desk: Any) -> Iterator[Line]:
    with Line(at_desk.server.vendor_urls[0]) as found:
        yield found
    at_desk.clear()


EXPECTED = {
    "alice": {"certNo": "911124198504120021", "nation": "加拿大/CAN", "birth": "19850412", "sex": "女"},
    "bob": {"name": "SPECIMEN, ROBERT JAMES", "department": "1500"},
    "chen": {"nation": "汉", "expire": "长期", "department": "样本公安局朝阳分局"},
    "dina": {"address": "广东省深圳市南山区样本大道8号", "effectData": "20230901"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_layout_is_answered(at_desk: Any, line: Line, name: str) -> None:
    at_desk.insert(name)
    at_desk.card()
    answer = line.ask(READ)
    assert (answer["fun"], answer["rCode"], answer["errMsg"]) == (READ, "0", "")
    assert {key: answer[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert answer["base64Data"].startswith("iVBOR")
    assert answer.keys() >= {"imageFront", "imageBack"}


def test_no_card_and_no_good_card(at_desk: Any, line: Line) -> None:
    assert line.ask(READ) == {"fun": READ, "rCode": "-2", "errMsg": "请放证件"}
    at_desk.insert("goro")
    at_desk.card()
    answer = line.ask(READ)
    assert answer["rCode"] == "-1"
    assert "已过期" in answer["errMsg"]


def test_every_card_comes_by_itself_once_until_it_is_told_to_stop(at_desk: Any, line: Line) -> None:
    line.send(f"{READ}|1")
    at_desk.insert("alice")
    assert line.take()["certNo"] == "911124198504120021"
    at_desk.insert("hana")
    assert line.take()["certNo"] == "937410198810050065"
    assert line.ask("EST_StopReadIDCard#")["fun"] == "EST_StopReadIDCard#"


def test_the_other_commands(at_desk: Any, line: Line) -> None:
    assert line.ask("EST_GetVersion#") == {"fun": "EST_GetVersion#", "rCode": "0", "errMsg": "prcard"}
    assert line.ask("EST_ReaderGertSAMID#")["rCode"] == "-1"
    at_desk.insert("alice")
    at_desk.card()
    assert line.ask("EST_ReaderGertSAMID#")["SAMID"].startswith("99.99-")
    assert line.ask("EST_ReadCertID#")["rCode"] == "-1"
    assert line.ask("nonsense")["errMsg"] == "不支持"


def test_a_page_that_is_not_on_the_list_gets_no_line(at_desk: Any) -> None:
    with Line(at_desk.server.vendor_urls[0], "https://evil.example") as line:
        assert line.status == 403
