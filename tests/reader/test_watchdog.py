"""Work that hangs is left to itself; work that goes on is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import watchdog
from prcard.reader.watchdog import Job


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "TRANSMIT_S", 0.2)


def start(work: Callable[[Job], Any], timeout_s: float = 5, closed: threading.Event | None = None) -> Job:
    job = Job(time.monotonic() + timeout_s, timeout_s, closed or threading.Event())
    threading.Thread(target=job.run, args=(work,), daemon=True).start()
    return job


def test_the_result_is_kept() -> None:
    job = start(lambda job: "done")
    assert job.await_end()
    assert (job.result, job.error) == ("done", None)


def test_an_error_of_any_kind_is_kept() -> None:
    job = start(lambda job: 1 / 0)
    assert job.await_end()
    assert isinstance(job.error, ZeroDivisionError)


def test_work_of_many_commands_may_take_long() -> None:
    def work(job: Job) -> str:
        for _ in range(5):
            job.begin()
            time.sleep(0.1)
        return "done"

    job = start(work)
    assert job.await_end()
    assert job.result == "done"


def test_a_command_that_hangs_is_given_up_and_ends_when_it_comes_back() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        go_on.wait(20)
        try:
            job.begin()
        finally:
            ended.set()

    job = start(work)
    before = time.monotonic()
    assert not job.await_end()
    assert time.monotonic() - before < 2
    go_on.set()
    assert ended.wait(5)
    assert job.await_end()
    assert isinstance(job.error, ReaderError)
    assert job.error.fault is ReaderFault.HUNG


def test_the_end_of_the_time_and_the_closing_of_the_reader_are_told() -> None:
    closed = threading.Event()
    job = Job(time.monotonic() + 0.05, 0.05, closed)
    assert not job.over(0)
    assert job.over(0.06)
    closed.set()
    with pytest.raises(ReaderError) as lost:
        job.over(60)
    assert lost.value.fault is ReaderFault.LOST
