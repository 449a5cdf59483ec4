"""A pcscd of one's own: private, isolated, restarted at will, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.simulator import pcscd as module
from prcard.simulator.device import VirtualReader
from prcard.simulator.pcscd import PrivatePCSCD, missing_parts, reader_name
from prcard.simulator.vpcd import PCSCFace

Serve = Callable[[PCSCFace], PCSCFace]


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in text.split()]


def gone(pid: int) -> bool:
    """A zombie is gone as well: its parent was killed and somebody else will reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_the_socket_is_private_and_nothing_stays(pcsc: Serve) -> None:
    service = pcsc(PCSCFace(VirtualReader())).pcscd
    path = Path(service.socket_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    keeper = service._process
    assert keeper is not None
    pids = [keeper.pid, *children_of(keeper.pid)]
    assert len(pids) == 2
    service.stop()
    service.stop()
    assert [pid for pid in pids if not gone(pid)] == []
    assert not path.parent.exists()


def test_no_other_machine_reaches_an_isolated_one(pcsc: Serve) -> None:
    service = pcsc(PCSCFace(VirtualReader())).pcscd
    if not service.isolated:
        pytest.skip("this user may make no network namespace here")
    for port in service._ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_without_a_namespace_it_says_so(pcsc: Serve) -> None:
    pcsc(PCSCFace(VirtualReader()))
    with PrivatePCSCD(namespace=False) as service:
        assert not service.isolated
        service.connect(0).close()


def test_two_at_once_do_not_meet(pcsc: Serve) -> None:
    first, second = (pcsc(PCSCFace(VirtualReader())) for _ in range(2))
    assert first.socket != second.socket


OWNER = """
import sys, time
from prcard.simulator.vpcd import PCSCFace
from prcard.simulator.device import VirtualReader
face = PCSCFace(VirtualReader())
face.open()
print(face.socket, face.pcscd._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("victim", ["owner", "keeper"])
def test_nothing_is_left_when_somebody_is_killed(pcsc: Serve, victim: str) -> None:
    """Killed with -9, so that nobody can tidy up."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        path, keeper = owner.stdout.readline().split()
        daemons = children_of(int(keeper))
        assert len(daemons) == 1
        os.kill(owner.pid if victim == "owner" else int(keeper), signal.SIGKILL)
        assert wait_for(lambda: all(gone(pid) for pid in (int(keeper), *daemons)))
        owner.kill()
    if victim == "owner":
        assert wait_for(lambda: not Path(path).parent.exists())


def test_a_killed_one_comes_back_on_the_same_path(pcsc: Serve) -> None:
    service = pcsc(PCSCFace(VirtualReader())).pcscd
    service.kill()
    with pytest.raises(OSError, match="refused"):
        service.connect(0)
    service.restart()
    service.restart()
    service.connect(1).close()


def test_after_its_end_nothing_can_be_asked_of_it(pcsc: Serve) -> None:
    service = pcsc(PCSCFace(VirtualReader())).pcscd
    keeper = service._process
    assert keeper is not None
    keeper.kill()
    keeper.wait()
    with pytest.raises(ReaderError, match="has ended"):
        service.kill()
    service.stop()
    with pytest.raises(OSError, match="not running"):
        service.connect(0)


@pytest.mark.parametrize(
    ("hidden", "packages"),
    [("_program", ["pcscd"]), ("_driver", ["vsmartcard-vpcd"])],
)
def test_what_is_missing_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, hidden: str, packages: list[str]
) -> None:
    monkeypatch.setattr(module, hidden, lambda: None)
    assert set(packages) <= set(missing_parts())
    with pytest.raises(ReaderError, match=f"apt-get install --no-install-recommends .*{packages[0]}") as missing:
        PrivatePCSCD().start()
    assert missing.value.fault is ReaderFault.NOT_FOUND


def test_a_pcscd_that_does_not_start_is_quoted(pcsc: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "pcscd"
    program.write_text("#!/bin/sh\necho no reader today\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_program", lambda: str(program))
    monkeypatch.setattr(module, "START_S", 1.0)
    with pytest.raises(ReaderError, match="no reader today"):
        PrivatePCSCD().start()


@pytest.mark.parametrize("slots", [0, 17])
def test_the_number_of_slots_is_bounded(slots: int) -> None:
    with pytest.raises(ReaderError, match="1-16 slots"):
        PrivatePCSCD(slots=slots)


def test_names_differ() -> None:
    assert len({reader_name(slot) for slot in range(16)}) == 16
