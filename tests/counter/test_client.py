"""The Python client, against a counter that is served for real."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.counter import client as clients
from prcard.counter.client import CounterClient, CounterRefusedError
from prcard.counter.pairing import Pairing
from prcard.errors import ReaderError, ReaderFault, RecordError


@pytest.fixture
def client(served: Any) -> CounterClient:
    found = CounterClient(served.url)
    found.pair(served.code(), "test")
    return found


def test_a_program_pairs_and_takes_a_card(served: Any, client: CounterClient) -> None:
    with client:
        events = client.events()
        assert next(events)["kind"] == "hello"
        served.insert("hana")
        assert next(events)["kind"] == "card-inserted"
        card = next(events)["card"]
        assert client.reveal(card["presence"], ["english_name"]) == {"english_name": "SPECIMEN, HANA"}
        assert client.capture(card["presence"])["format"] == "prcard-capture"
        client.forget(card["presence"])
        assert client.state()["readers"][0]["card"] is None


def test_a_wrong_code_is_refused_with_its_reason(served: Any) -> None:
    with pytest.raises(CounterRefusedError) as refused:
        CounterClient(served.url).pair("00000000")
    assert (refused.value.code, refused.value.status) == ("pairing-code-wrong", 403)
    assert "Ask the counter for a new one" in str(refused.value)


def test_a_token_that_is_not_known_ends_listening(served: Any) -> None:
    with pytest.raises(CounterRefusedError):
        next(CounterClient(served.url, token="x").events())


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nobody = CounterClient(f"http://127.0.0.1:{port}/")
    with pytest.raises(ReaderError) as error:
        nobody.state()
    assert error.value.fault is ReaderFault.NOT_FOUND
    with pytest.raises(ReaderError):
        next(nobody.events(reconnect=False))


def test_listening_survives_a_restart_and_misses_nothing(
    serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "WAITS_S", (0.05,))
    file = tmp_path / "tokens.json"
    with serve(pairing=Pairing(file)) as served:
        port = served.server.port
        client = CounterClient(served.url)
        client.pair(served.code())
        events = client.events()
        assert next(events)["resumed"] is False
        served.insert("alice")
        first = [next(events)["kind"] for _ in range(2)]
    assert first == ["card-inserted", "verdict"]
    # The end of the stream is met in a thread of its own, since nobody listens at that moment.
    heard: list[dict[str, Any]] = []

    def listen() -> None:
        for event in events:
            heard.append(event)
            if event["kind"] == "hello":
                return

    thread = threading.Thread(target=listen)
    thread.start()
    with serve(port=port, pairing=Pairing(file)):
        thread.join(20)
    assert [event["kind"] for event in heard][-2:] == ["closing", "hello"]
    assert heard[-1]["resumed"] is False


def test_a_stream_that_ends_is_over_without_reconnecting(served: Any, client: CounterClient) -> None:
    events = client.events(reconnect=False)
    next(events)
    served.server.stop()
    assert [event["kind"] for event in events] == ["closing"]


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "nonsense", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(RecordError, match="Use the address that the counter prints"):
        CounterClient(url)


@pytest.mark.parametrize("body", [b"", b"Service Unavailable", json.dumps({"error": 1}).encode()])
def test_an_answer_that_is_not_ours(body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 503 x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(CounterRefusedError) as refused:
            CounterClient(f"http://127.0.0.1:{server.getsockname()[1]}/").state()
        thread.join()
    assert (refused.value.code, refused.value.status) == ("unknown", 503)
