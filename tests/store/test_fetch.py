"""Fetching: from folders and over HTTP, with limits of bytes, of time and of where a redirect may lead."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.store.fetch import open_source
from prcard.store.trust import load_trust
from prcard.store.update import update_trust


class Server:
    """A web server on loopback that answers as a test says."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.stop = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path)
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'' if tls is None else 's'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.answers[f"/{path.relative_to(folder)}"] = give(path.read_bytes())

    def drip(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        """Gives a byte now and then, until the test is over."""
        for byte in data:
            if self.stop.wait(0.02):
                return
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return


def give(data: bytes, *, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def redirect(target: str, code: int = 302) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    started = Server()
    yield started
    started.close()


def refused(act: Callable[[], object], reason: str = "store-unreachable") -> str:
    with pytest.raises(TrustError) as caught:
        act()
    assert caught.value.reason == reason
    return str(caught.value)


def test_a_folder_and_a_file_address_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "f").write_bytes(b"data")
    for address in (str(tmp_path / "a b"), f"file://{tmp_path}/a%20b", f"file://localhost{tmp_path}/a%20b/"):
        source = open_source(address)
        assert source.fetch("f", 4) == b"data"
        refused(lambda source=source: source.fetch("f", 3), "too-large")  # type: ignore[misc]  # a default binds it
        assert "No such file" in refused(lambda source=source: source.fetch("g", 3))  # type: ignore[misc]  # as above


@pytest.mark.parametrize(
    "address",
    [
        "file://elsewhere/path",
        "ftp://host/path",
        "http:///path",
        "http://me:hush@host/path",
        "https://host/path?x=1",
        "https://host/path#x",
        "http://[broken",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    assert "hush" not in refused(lambda: open_source(address))


def test_a_web_server_gives_a_store(server: Server, office: Any, counter: Path, tmp_path: Path) -> None:
    server.serve(office.publish(tmp_path / "store", 1))
    assert update_trust(counter, open_source(server.url + "/"), office.now).number == 1
    assert load_trust(counter).crls[0].number == 1
    assert server.asked[0] == "/manifest.der"


def test_a_redirect_within_the_scheme_is_followed(server: Server) -> None:
    for code in (301, 302, 303, 307, 308):
        server.answers["/old"] = redirect("/new", code)
        server.answers["/new"] = give(b"data")
        assert open_source(server.url).fetch("old", 10) == b"data"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "https://127.0.0.1/x", "data:,x"])
def test_a_redirect_to_another_scheme_is_not_followed(target: str, code: int, server: Server) -> None:
    server.answers["/old"] = redirect(target, code)
    assert "a redirect from http:" in refused(lambda: open_source(server.url).fetch("old", 10**6))


def test_a_loop_of_redirects_ends(server: Server) -> None:
    server.answers["/a"], server.answers["/b"] = redirect("/b"), redirect("/a")
    refused(lambda: open_source(server.url).fetch("a", 10))
    assert len(server.asked) < 10


def test_a_status_that_is_no_success(server: Server) -> None:
    assert "HTTP status 404" in refused(lambda: open_source(server.url).fetch("none", 10))


def test_too_many_and_too_few_bytes(server: Server) -> None:
    server.answers["/long"] = give(b"x" * 100_000)
    server.answers["/short"] = give(b"xyz", length=10)
    refused(lambda: open_source(server.url).fetch("long", 10), "too-large")
    refused(lambda: open_source(server.url).fetch("short", 100))


def test_nobody_there(server: Server) -> None:
    url = server.url
    server.close()
    assert "Connection refused" in refused(lambda: open_source(url).fetch("x", 10))
    server.close = lambda: None  # type: ignore[method-assign]  # it is closed


@pytest.mark.parametrize("part", ["body", "header", "silence"])
def test_a_slow_server_is_left_when_the_time_is_over(part: str, server: Server) -> None:
    def body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        server.drip(handler, b"x" * 1000)

    def header(handler: BaseHTTPRequestHandler) -> None:
        server.drip(handler, b"HTTP/1.0 200 " + b"x" * 1000)

    def silence(handler: BaseHTTPRequestHandler) -> None:
        server.stop.wait(30)

    server.answers["/slow"] = {"body": body, "header": header, "silence": silence}[part]
    said = refused(lambda: open_source(server.url, timeout_s=0.3).fetch("slow", 10**6))
    assert "0.3 s" in said or "timed out" in said


def test_rubbish_instead_of_http(server: Server) -> None:
    def rubbish(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"rubbish\n")

    server.answers["/x"] = rubbish
    refused(lambda: open_source(server.url).fetch("x", 10))


def test_https_is_taken_from_a_server_that_shows_who_it_is_only(
    office: Any, counter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "server.pem"]
    subprocess.run([*command, *names], check=True, capture_output=True, cwd=tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "key.pem")
    server = Server(tls)
    try:
        server.serve(office.publish(tmp_path / "store", 1))
        said = refused(lambda: update_trust(counter, open_source(server.url), office.now))
        assert "certificate verify failed" in said
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        assert update_trust(counter, open_source(server.url), office.now).number == 1
    finally:
        server.close()
