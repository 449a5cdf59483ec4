"""The bench, and the pytest plugin that gives it to tests: this file uses the plugin as its users do."""

from __future__ import annotations

import gc
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prcard.acceptance.verdict import Verdict
from prcard.errors import ReaderError, RecordError
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.bench import ReaderBench
from prcard.simulator.device import JOURNAL_ENTRIES
from prcard.simulator.factory import make_specimens
from prcard.simulator.fidelity import fidelity
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

REAL = fidelity("real")
READING = ((Command.FIND_CARD, 15), (Command.SELECT_CARD, 19), (Command.READ_TEXT_PHOTO, 1295))
MOMENT = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_card_lies_there_and_is_read(virtual_reader: ReaderBench, virtual_card: RawCard) -> None:
    with open_reader(virtual_reader.uri) as host:
        assert host.read(20).text == virtual_card.text
    assert virtual_reader.commands[:3] == ["SAM_STATUS", "SAM_ID", "FIND_CARD"]
    assert virtual_reader.wait_for("SELECT_CARD").status == 0x90
    assert virtual_reader.reader.status()["card"] == "alice"


@pytest.mark.virtual_card("bob")
@pytest.mark.reader_fault("wrong-check", command="FIND_CARD", times=2)
@pytest.mark.reader_fault("reply-twice")
def test_markers_choose_card_and_faults(
    virtual_reader: ReaderBench, specimen: Callable[[str], RawCard], assert_verdict: Callable[..., Verdict]
) -> None:
    assert [fault["kind"] for fault in virtual_reader.reader.faults.status()] == ["wrong-check", "reply-twice"]
    with open_reader(virtual_reader.uri) as host:
        raw = host.read(20)
    assert raw.text == specimen("bob").text
    assert virtual_reader.commands.count("FIND_CARD") >= 3
    assert_verdict(raw, "PASSED", at=MOMENT)


def test_a_card_is_swapped_and_lifted_while_a_host_reads(virtual_reader: ReaderBench) -> None:
    with open_reader(virtual_reader.uri) as host:
        first = host.read(20)
        virtual_reader.insert("hana")
        assert host.read(20).text != first.text
        virtual_reader.insert(first)
        virtual_reader.fault("card-lifted")
        with pytest.raises(ReaderError, match="lifted"):
            host.read(20)
        virtual_reader.clear_faults()
        virtual_reader.remove()
        with pytest.raises(ReaderError, match="No card"):
            host.read(0.1)


@pytest.mark.reader_face("tcp", "udp", "serial", "rfc2217")
@pytest.mark.virtual_card(None)
def test_one_reader_is_unplugged_and_plugged_in_on_every_face(virtual_reader: ReaderBench) -> None:
    assert set(virtual_reader.uris) == {"tcp", "udp", "serial", "rfc2217"}
    assert virtual_reader.uri == virtual_reader.uris["tcp"]
    assert virtual_reader.device.startswith("/dev/")
    with open_reader(virtual_reader.uri) as host:
        virtual_reader.unplug()
        with pytest.raises(ReaderError):
            host.read(5)
    virtual_reader.plug()
    assert virtual_reader.reader.plugged


@pytest.mark.reader_fidelity("read-again")
def test_the_kind_of_reader_is_chosen(virtual_reader: ReaderBench) -> None:
    assert virtual_reader.reader.fidelity.name == "read-again"
    host, port = virtual_reader.address
    with socket.create_connection((host, port), 5):
        pass


@pytest.mark.parametrize("face", ["udp", "rfc2217"])
def test_every_network_face_has_an_address(face: str) -> None:
    with ReaderBench(faces=(face,)) as bench:
        host, port = bench.address
        assert (host, str(port)) == ("127.0.0.1", bench.uri.rpartition(":")[2])
        assert bench.commands == []
        with pytest.raises(RecordError, match="reader_face"):
            _ = bench.device


def test_what_is_not_there_is_said() -> None:
    with ReaderBench(faces=("serial",)) as bench:
        with pytest.raises(RecordError, match="Use `device`"):
            _ = bench.address
        with pytest.raises(RecordError, match="one of RESET_SAM"):
            bench.wait_for("FIND")
        with pytest.raises(RecordError, match=r"within 0.01 s"):
            bench.wait_for("FIND_CARD", 0.01)
        with pytest.raises(RecordError, match="kind"):
            bench.fault("dance")
    for faces in ((), ("pigeon",)):
        with pytest.raises(RecordError, match="some of serial"):
            ReaderBench(faces=faces)


def test_assert_verdict_says_what_is_different(
    assert_verdict: Callable[..., Verdict], specimen: Callable[[str], RawCard]
) -> None:
    assert_verdict(specimen("goro"), "FAILED", failed=["valid-at-moment"], at=MOMENT)
    with pytest.raises(AssertionError, match="expected PASSED, found FAILED: .*expired"):
        assert_verdict(specimen("goro"), at=MOMENT)
    with pytest.raises(AssertionError, match="expected the failed checks"):
        assert_verdict(specimen("goro"), "FAILED", failed=["photo-header"], at=MOMENT)


def test_a_thousand_cards_are_swapped_without_growth() -> None:
    """One object that stays behind for each card would show as hundreds of blocks."""
    cards = [made.card for made in make_specimens(50, seed=3)]
    before = (0, 0, 0)
    with ReaderBench(faces=("tcp", "serial", "udp")) as bench, socket.create_connection(bench.address, 20) as line:
        for at in range(1000 + JOURNAL_ENTRIES // len(READING)):
            card = cards[at % len(cards)]
            bench.insert(card, str(at))
            for command, length in READING:
                line.sendall(Frame.request(command).serialize())
                reply = exactly(line, length)
            assert reply[14:270] == card.text
            # From here on the journal is full: it drops as much as it takes.
            if at == JOURNAL_ENTRIES // len(READING):
                before = usage()
        after = usage()
    assert after[1:] == before[1:]
    assert after[0] - before[0] < 300


def usage() -> tuple[int, int, int]:
    """Blocks of memory that Python holds, open descriptors, threads."""
    gc.collect()
    return sys.getallocatedblocks(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def test_eight_readers_at_once_answer_within_a_real_readers_time() -> None:
    """Median of each exchange, since one turn of a busy machine says nothing about us; benchmarks/virtual.py has the
    slowest."""
    shares: list[float] = []
    with ExitStack() as stack:
        benches = [stack.enter_context(ReaderBench()) for _ in range(8)]
        lines = [stack.enter_context(socket.create_connection(bench.address, 20)) for bench in benches]
        for _ in range(20):
            for bench in benches:
                bench.insert("alice")
            for command, length in READING:
                start = time.monotonic()
                for line in lines:
                    line.sendall(Frame.request(command).serialize())
                for line in lines:
                    exactly(line, length)
                    shares.append((time.monotonic() - start) / (REAL.rf_s(command) + length * 10 / 115200))
    assert len(shares) == 8 * 20 * len(READING)
    assert statistics.median(shares) < 1


def exactly(line: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = line.recv(length - len(data))
        assert piece
        data += piece
    return data


# The plugin in a project of somebody else: a pytest of its own, in workers, with coverage, warnings being errors.

PROJECT = """
import pytest

@pytest.mark.parametrize("turn", range(4))
@pytest.mark.reader_fault("garbage-before", times=0)
def test_my_program(virtual_reader, specimen, turn):
    import prcard
    with prcard.open_reader(virtual_reader.uri) as reader:
        assert reader.read(20).text == specimen("alice").text
"""


def run_project(tmp_path: Path, *options: str) -> str:
    folder = tmp_path
    (folder / "mine.py").write_text("def add(a, b):\n    return a + b\n", encoding="utf-8")
    (folder / "test_mine.py").write_text(
        PROJECT + "\ndef test_add():\n    from mine import add\n    assert add(1, 2) == 3\n", encoding="utf-8"
    )
    # Only the plugins that matter: this file itself shows that pytest finds ours, and the others take long to load.
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", "-p", "_prcard_pytest"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=folder, timeout=100, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_works_in_workers(tmp_path: Path) -> None:
    assert "5 passed" in run_project(tmp_path, "-p", "xdist", "-n", "2")


def test_it_leaves_coverage_alone(tmp_path: Path) -> None:
    out = run_project(tmp_path, "-p", "pytest_cov", "--cov=mine", "--cov-report=term")
    assert "mine.py" in out
    assert "100%" in out


def test_loading_it_loads_nothing_of_the_package() -> None:
    code = "import _prcard_pytest, sys; print([name for name in sys.modules if name.split('.')[0] == 'prcard'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
