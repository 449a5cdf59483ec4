"""The counter on its ports: loopback only, quick heads, an end in order, and a restart that knows its pages."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from prcard.counter import gate as gates
from prcard.counter import server as servers
from prcard.counter.pairing import Pairing
from prcard.counter.server import STATE_FILE, CounterServer, load_state
from prcard.counter.service import Counter
from prcard.errors import CaptureError, ReaderError, ReaderFault


def connect(served: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.server.port), 10)


def test_it_listens_on_loopback_only(served: Any) -> None:
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        address, _, port = line.split()[1].partition(":")
        if int(port, 16) == served.server.port and line.split()[3] == "0A":
            assert address == "0100007F"


def test_a_head_that_does_not_come_is_not_waited_for(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "HEADERS_S", 0.1)
    for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"):
        with connect(served) as line:
            line.sendall(begun)
            assert line.recv(100) == b""


def test_the_second_head_of_a_connection_is_not_waited_for_either(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "HEADERS_S", 0.1)
    with connect(served) as line:
        line.sendall(f"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{served.server.port}\r\n\r\n".encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        line.sendall(b"GET / HT")
        data = line.recv(65536)
        while data:
            data = line.recv(65536)


def test_a_head_that_is_too_large_is_refused(served: Any) -> None:
    with connect(served) as line:
        line.sendall(b"GET / HTTP/1.1\r\nx: " + b"x" * servers.MAX_HEAD_BYTES)
        assert line.recv(100).startswith(b"HTTP/1.1 400")


def test_a_slow_body_is_refused_over_the_wire(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "BODY_S", 0.2)
    with connect(served) as line:
        head = f"POST /api/v1/pairing HTTP/1.1\r\nhost: 127.0.0.1:{served.server.port}\r\ncontent-length: 100\r\n\r\n{{"
        line.sendall(head.encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 408")
        while line.recv(65536):
            pass


def test_an_oversized_body_is_refused_over_the_wire(served: Any) -> None:
    with connect(served) as line:
        host = f"127.0.0.1:{served.server.port}"
        head = f"POST /api/v1/pairing HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n"
        line.sendall(head.encode())
        piece = b"x" * 1024
        try:
            for _ in range(gates.MAX_BODY_BYTES // 1024 + 2):
                line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        except OSError:
            pass
        assert line.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_port_that_is_taken_is_said_and_nothing_stays_open() -> None:
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ReaderError) as error:
        CounterServer(Counter(), port=taken.getsockname()[1]).start()
    assert error.value.fault is ReaderFault.BUSY
    assert threading.active_count() == before


def test_it_ends_in_order_while_somebody_listens(serve: Callable[..., Any], tmp_path: Path) -> None:
    before = threading.active_count()
    with serve(state=tmp_path) as served:
        assert load_state(tmp_path)["url"] == served.url
        http = served.paired()
        with http.stream("GET", "/api/v1/events") as stream:
            lines = stream.iter_lines()
            while "hello" not in next(lines):
                pass
            served.server.stop()
            served.server.stop()
            assert "event: closing" in list(lines)
    assert threading.active_count() == before
    assert not (tmp_path / STATE_FILE).exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


def test_a_restarted_service_knows_its_pages(serve: Callable[..., Any], tmp_path: Path) -> None:
    with serve(pairing=Pairing(tmp_path / "tokens.json")) as served:
        token, port = served.token(), served.server.port
    with serve(port=port, pairing=Pairing(tmp_path / "tokens.json")) as served:
        answer = served.http.get("/api/v1/state", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_the_state_file_is_for_its_owner_only(serve: Callable[..., Any], tmp_path: Path) -> None:
    with serve(state=tmp_path / "state") as served:
        file = tmp_path / "state" / STATE_FILE
        assert file.stat().st_mode & 0o777 == 0o600
        headers = {"x-prcard-admin": load_state(tmp_path / "state")["admin"]}
        code = served.http.post("/api/v1/pairing/codes", headers=headers).json()["code"]
        assert served.counter.pairing.redeem(code, origin="", name="x")


@pytest.mark.parametrize("content", [None, "{", "[]", json.dumps({"url": "x"})])
def test_without_a_counter_there_is_no_state(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / STATE_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(CaptureError, match="Start prcard counter serve first"):
        load_state(tmp_path)


def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CaptureError, match="state folder"):
        CounterServer(Counter(), port=0, state=tmp_path / "file" / "state").start()
