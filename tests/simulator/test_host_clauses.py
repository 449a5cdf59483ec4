"""A good host keeps every clause; one that is broken for each clause is caught."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from prcard.errors import PRCardError
from prcard.reader.uri import open_reader
from prcard.simulator import host_clauses
from prcard.simulator.conformance import Outcome, Report
from prcard.simulator.faces import TCPFace
from prcard.simulator.host_clauses import HOST_CLAUSES, judge_host
from prcard.wire.codes import Command, Status
from prcard.wire.frame import HEADER_BYTES, PREAMBLE, Frame


class ThreadedHost:
    """A host program in a thread; `work` is called with the URI until it returns or the bench stops it."""

    def __init__(self, work: Callable[[str, threading.Event], None]) -> None:
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread()

    def start(self, uri: str) -> None:
        self._stopped = threading.Event()

        def run() -> None:
            with contextlib.suppress(OSError, PRCardError):
                self._work(uri, self._stopped)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()


def prcard_host(uri: str, stopped: threading.Event) -> None:
    """prcard's own reader, reading as long as it is let."""
    with open_reader(uri) as reader:

        def close() -> None:
            stopped.wait()
            reader.close()

        closer = threading.Thread(target=close)
        closer.start()
        try:
            while not stopped.is_set():
                with contextlib.suppress(PRCardError):
                    reader.read(30)
        finally:
            stopped.set()
            closer.join()


def judged(work: Callable[[str, threading.Event], None], *only: str) -> Report:
    return judge_host(ThreadedHost(work), TCPFace, "host", only)


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of the kit are those of slow hosts; the hosts here are quick, and wait too long when they do."""
    monkeypatch.setattr(host_clauses, "OVERLONG_S", 1.5)
    monkeypatch.setattr(host_clauses, "LIMIT_S", 3.0)


def test_prcards_own_reader_keeps_every_clause() -> None:
    report = judged(prcard_host)
    assert [(result.clause.id, result.detail) for result in report.results if result.detail] == []
    assert report.conforms
    assert report.score == 100


class PlainHost:
    """A host of a few lines, with a switch for each thing that hosts do wrong."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong

    def __call__(self, uri: str, stopped: threading.Event) -> None:
        _, host, port = uri.split(":")
        with socket.create_connection((host, int(port)), 5) as line:
            self.line, self.stopped, self.waiting = line, stopped, b""
            self.status()
            while not stopped.is_set():
                self.round()

    def status(self) -> None:
        reply = self.ask(Command.SAM_STATUS)
        if reply is not None and reply.sw3 != Status.DONE and self.wrong != "H15":
            raise OSError("not ready")

    def round(self) -> None:
        found = self.ask(Command.FIND_CARD)
        if found is None and self.wrong == "H07":
            raise OSError("given up at once")
        if found is None or found.sw3 != Status.CARD_FOUND:
            if self.wrong == "H03" and found is not None:
                self.ask(Command.SELECT_CARD)
            self.stopped.wait(0.02 if self.wrong == "H04" else 0.32)
            return
        if self.wrong == "H02":
            self.ask(Command.READ_TEXT_PHOTO)
        selected = self.ask(Command.SELECT_CARD)
        if selected is None and self.wrong != "H12":
            self.stopped.wait(0.32)
            return
        if selected is not None and selected.sw3 != Status.DONE and self.wrong != "H05":
            self.stopped.wait(0.32)
            return
        read = self.ask(Command.READ_TEXT_PHOTO)
        if (read is None and self.wrong == "H11") or (
            read is not None and read.sw3 == Status.READ_FAILED and self.wrong == "H14"
        ):
            self.ask(Command.READ_TEXT_PHOTO)
        if read is not None and read.sw3 == Status.DONE and self.wrong != "H16":
            self.stopped.wait(30)
        self.stopped.wait(0.32)

    def ask(self, command: Command) -> Frame | None:
        """Sends a request and gives the reply that belongs to it; None when none or a damaged one came."""
        request = Frame.request(command).serialize()
        self.line.sendall(request[:-1] + b"\x00" if self.wrong == "H01" else request)
        if self.wrong == "H13":
            self.line.sendall(request)
        patient = {"H08": 0, "H09": 1}.get(self.wrong, 2)
        self.waiting = b""
        end = time.monotonic() + (30 if patient == 0 and command is Command.FIND_CARD else 0.5)
        while time.monotonic() < end and not self.stopped.is_set():
            self.line.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                data = self.line.recv(4096)
                if not data:
                    raise OSError("gone")
                self.waiting += data
                if self.wrong == "H11":
                    return self.first_piece()
            if self.wrong == "H09" and self.waiting:
                end = time.monotonic() + 30
            if self.wrong == "H10" and not self.waiting.startswith(PREAMBLE[: len(self.waiting)]):
                return None
            at = self.waiting.find(PREAMBLE)
            size = int.from_bytes(self.waiting[at + 5 : at + 7], "big") + HEADER_BYTES
            if at >= 0 and len(self.waiting) >= at + HEADER_BYTES and len(self.waiting) >= at + size:
                return self.judge(self.waiting[at : at + size], command)
        return None

    def first_piece(self) -> Frame | None:
        try:
            return Frame.parse(self.waiting)
        except PRCardError:
            return None

    def judge(self, data: bytes, command: Command) -> Frame | None:
        if self.wrong == "H06":
            return Frame(body=data[HEADER_BYTES:-1])
        try:
            reply = Frame.parse(data)
        except PRCardError:
            return None
        belongs = command.may_answer(Status.of(reply.sw3), len(reply.reply_data))
        return reply if belongs or self.wrong == "H12" else None


def test_a_plain_host_keeps_what_is_binding() -> None:
    report = judged(PlainHost())
    assert [(result.clause.id, result.detail) for result in report.results if result.outcome is Outcome.FAILED] == []


BREAKS: Final = [clause.id for clause in HOST_CLAUSES]


@pytest.mark.parametrize("clause", BREAKS)
def test_a_broken_host_is_caught(clause: str) -> None:
    (result,) = judged(PlainHost(clause), clause).results
    assert result.outcome is Outcome.FAILED, (result.outcome, result.detail)
    assert "expected" in result.detail
    assert result.exchange


def test_a_host_that_asks_nothing_is_not_judged() -> None:
    report = judge_host(ThreadedHost(lambda uri, stopped: None), TCPFace, "idle", {"H02", "H08"})
    assert [result.outcome for result in report.results] == [Outcome.NOT_RUN] * 2
    assert not report.conforms


def test_a_host_that_never_asks_for_status_or_looks_once_is_not_judged_for_that() -> None:
    def once(uri: str, stopped: threading.Event) -> None:
        _, host, port = uri.split(":")
        with socket.create_connection((host, int(port)), 5) as line:
            line.sendall(Frame.request(Command.FIND_CARD).serialize())
            line.recv(100)
            stopped.wait(0.2)

    report = judged(once, "H04", "H15")
    assert [result.outcome for result in report.results] == [Outcome.NOT_RUN] * 2


def test_progress_is_told() -> None:
    told: list[str] = []
    judge_host(ThreadedHost(PlainHost()), TCPFace, "x", {"H01"}, lambda result: told.append(result.clause.id))
    assert told == ["H01"]
