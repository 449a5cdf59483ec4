"""The counter on its ports: uvicorn in a thread of its own, on loopback and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import threading
from typing import TYPE_CHECKING, Any, Final, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from prcard.counter.app import build_app, guarded
from prcard.errors import CaptureError, FieldProblem, ReaderError, ReaderFault
from prcard.store.captures import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from prcard.counter.compat import Vendor
    from prcard.counter.service import Counter

__all__ = ["DEFAULT_PORT", "HEADERS_S", "STATE_FILE", "CounterServer", "load_state"]

DEFAULT_PORT: Final = 8964
STATE_FILE: Final = "counter.json"
HEADERS_S: Final = 5.0
"""Longest wait in seconds for the head of a request on a connection that says nothing else."""

MAX_HEAD_BYTES: Final = 16_384
MAX_CONNECTIONS: Final = 256
GRACE_S: Final = 3


class CounterServer:
    """Serves a counter; a context manager that also starts and stops the counter.

    Args:
        counter: What is served.
        port: Port on 127.0.0.1; 0 for any that is free.
        origins: Pages that may call, beside our own.
        vendors: Vendor-compatible endpoints, each on the port that its pages expect.
        state: Folder for the state file that `prcard counter pair` reads; None writes none.
    """

    def __init__(
        self,
        counter: Counter,
        *,
        port: int = DEFAULT_PORT,
        origins: Collection[str] = (),
        vendors: Sequence[Vendor] = (),
        state: Path | None = None,
    ) -> None:
        self.counter = counter
        self.port = port
        self._origins = origins
        self._vendors = vendors
        self._state = state
        self._admin_secret = secrets.token_urlsafe(32)
        self._servers: list[uvicorn.Server] = []
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def vendor_urls(self) -> list[str]:
        """Where the vendor-compatible endpoints are; valid once started."""
        return [f"{vendor.scheme}://127.0.0.1:{vendor.port}/" for vendor in self._vendors]

    def start(self) -> CounterServer:
        """Opens every port, starts the counter and serves; callers are answered when this returns.

        Raises:
            ReaderError: `BUSY` when a port is taken; a virtual reader that cannot be served.
            CaptureError: the state file cannot be written.
        """
        lines: list[socket.socket] = []
        try:
            lines.append(_listen(self.port))
            self.port = lines[0].getsockname()[1]
            lines += [_listen(vendor.port) for vendor in self._vendors]
            self._save_state()
            self.counter.start()
        except BaseException:
            for line in lines:
                line.close()
            raise
        app = build_app(self.counter, self.port, self._admin_secret)
        apps: list[Any] = [guarded(app, self.counter, self.port, self._origins)]
        for vendor, line in zip(self._vendors, lines[1:], strict=True):
            vendor.port = line.getsockname()[1]
            apps.append(guarded(vendor.app(self.counter), self.counter, vendor.port, self._origins))
        self._servers = [uvicorn.Server(_config(app)) for app in apps]
        self._thread = threading.Thread(target=self._run, args=(lines,), name="prcard-counter", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends everything in order: listeners are told, requests are finished, readers are released."""
        if self._thread is None:
            return
        self.counter.stop()
        for server in self._servers:
            server.should_exit = True
        self._thread.join()
        self._thread = None
        if self._state is not None:
            with contextlib.suppress(OSError):
                (self._state / STATE_FILE).unlink()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, lines: list[socket.socket]) -> None:
        async def serve() -> None:
            await asyncio.gather(
                *(server.serve(sockets=[line]) for server, line in zip(self._servers, lines, strict=True))
            )

        asyncio.run(serve())

    def _save_state(self) -> None:
        if self._state is None:
            return
        document = {"url": self.url, "admin": self._admin_secret}
        try:
            self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _no_state(self._state, error.strerror or "an error") from error
        write_whole(self._state / STATE_FILE, json.dumps(document).encode())


class _Timed(H11Protocol):
    """uvicorn's HTTP with a limit on how long a head may take; without one, a silent connection would stay for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Stops waiting once the head is there."""
        super().data_received(data)
        cycle: Any = self.cycle  # None until the first head is there, whatever uvicorn's annotation says
        if cycle is not None and not cycle.response_complete:
            self._stop_waiting()
        elif self._late is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting for good."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEADERS_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Timed,
        ws="wsproto",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=4096,
    )


def _listen(port: int) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", port))
        line.listen(128)
    except (OSError, OverflowError) as error:
        line.close()
        raise ReaderError(
            ReaderFault.BUSY,
            f"Port {port} of this machine cannot be used.",
            "End the program that uses it, perhaps another counter, or choose another --port.",
        ) from error
    return line


def load_state(folder: Path) -> dict[str, str]:
    """Reads the state file of a counter that runs.

    Returns:
        `url` and `admin`.

    Raises:
        CaptureError: there is none, or it cannot be read.
    """
    try:
        document = json.loads((folder / STATE_FILE).read_bytes())
        return {"url": str(document["url"]), "admin": str(document["admin"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_state(folder, "none") from error


def _no_state(folder: Path, found: str) -> CaptureError:
    return CaptureError(
        FieldProblem(str(folder), None, "the state folder of a counter that runs", found),
        advice="Start prcard counter serve first, as the same user, or name its folder with --state.",
    )
