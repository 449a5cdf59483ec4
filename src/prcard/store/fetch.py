"""Where a published store is pulled from: a folder, a `file:` address, or `http:` and `https:`.

Whatever is fetched has a limit of bytes and of time, and is judged by its digest and signature, never by where it came
from.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prcard.errors import TrustError

__all__ = ["FILE_TIMEOUT_S", "Source", "open_source"]

FILE_TIMEOUT_S: Final = 60.0
"""How long one file may take, from the first byte to the last."""
MAX_REDIRECTS: Final = 5
_CHUNK_BYTES: Final = 64 * 1024


class Source(Protocol):
    """A place that gives files by their path."""

    def fetch(self, path: str, limit: int) -> bytes:
        """Gives a file.

        Args:
            path: Below the place, with `/` between its parts.
            limit: The most bytes that it may have.

        Raises:
            TrustError: STORE_UNREACHABLE, or TOO_LARGE.
        """
        ...


def open_source(address: str, *, timeout_s: float = FILE_TIMEOUT_S) -> Source:
    """Finds out what kind of place an address names; nothing is fetched yet.

    Args:
        address: A folder's path, or an address that begins with `file:`, `http:` or `https:`.
        timeout_s: How long one file may take.

    Raises:
        TrustError: STORE_UNREACHABLE: it is none of these.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        host, has_login = parts.hostname, parts.username is not None
    except ValueError:
        raise _unreachable("address: expected a folder or a URL, found neither") from None
    if parts.scheme == "file":
        if host not in {None, "", "localhost"}:
            raise _unreachable("address: expected file: with a path on this machine, found a host")
        return _Folder(Path(urllib.parse.unquote(parts.path)))
    if parts.scheme in {"http", "https"}:
        if not host or has_login or parts.query or parts.fragment:
            raise _unreachable(f"address: expected {parts.scheme}://HOST/PATH and nothing more")
        return _Web(address.rstrip("/"), timeout_s)
    if "://" in address:
        raise _unreachable(f"address: expected a folder, file:, http: or https:, found {parts.scheme}:")
    return _Folder(Path(address))


def _unreachable(detail: str) -> TrustError:
    return refusal(TrustReason.STORE_UNREACHABLE, detail)


class _Folder:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, path: str, limit: int) -> bytes:
        """Gives a file of the folder."""
        place = self._folder / path
        try:
            with place.open("rb") as file:
                return _within(file.read(limit + 1), limit, str(place))
        except OSError as error:
            raise _unreachable(f"{place}: expected a file, found {error.strerror}") from None


def _within(data: bytes, limit: int, name: str) -> bytes:
    if len(data) > limit:
        raise refusal(TrustReason.TOO_LARGE, f"{name}: expected at most {limit} bytes, found more")
    return data


class _Web:
    """A folder on a web server."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    def fetch(self, path: str, limit: int) -> bytes:
        """Gives a file of the server."""
        url = f"{self._address}/{urllib.parse.quote(path)}"
        watch = _Watch()
        with watch.limit(self._timeout_s):
            try:
                with _opener(watch).open(url, timeout=self._timeout_s) as response:
                    return _within(_read_slowly(response, limit, watch), limit, url)
            except urllib.error.HTTPError as error:
                error.close()
                raise _unreachable(f"{url}: expected the file, found HTTP status {error.code}") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                if watch.is_over:
                    raise _unreachable(f"{url}: expected it within {self._timeout_s:g} s, found it slower") from None
                raise _unreachable(f"{url}: expected the file, found {_words(error)}") from None


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__


def _read_slowly(response: http.client.HTTPResponse, limit: int, watch: _Watch) -> bytes:
    data = bytearray()
    while len(data) <= limit:
        chunk = response.read1(_CHUNK_BYTES)
        if not chunk:
            break
        data += chunk
    announced = response.length
    if watch.is_over or (len(data) <= limit and announced):
        raise http.client.IncompleteRead(b"", announced or None)
    return bytes(data)


class _Watch:
    """Ends a connection when its time is over; a socket's own time-out starts anew with every byte."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def add(self, connected: socket.socket) -> None:
        """Watches a socket."""
        self._sockets.append(connected)

    @contextlib.contextmanager
    def limit(self, timeout_s: float) -> Iterator[None]:
        """Ends all sockets when the time is over before the block is."""
        timer = threading.Timer(timeout_s, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _end(self) -> None:
        self.is_over = True
        for connected in self._sockets:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only within its scheme, so that a server cannot lead to a file or to plain HTTP."""

    max_redirections = MAX_REDIRECTS

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Judges the scheme before the base class, whose own rule lets `ftp:` pass."""
        target = urllib.parse.urljoin(req.full_url, headers.get("location") or headers.get("uri") or "")
        if urllib.parse.urlsplit(target).scheme != req.type:
            fp.close()
            raise ValueError(f"a redirect from {req.type}: to {urllib.parse.urlsplit(target).scheme}:, not followed")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener(watch: _Watch) -> urllib.request.OpenerDirector:
    """Opens http: and https: alone, through a proxy where the environment names one."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            watch.add(self.sock)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            watch.add(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        PlainHandler(),
        SecureHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameScheme(),
    ):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "prcard")]
    return opener
