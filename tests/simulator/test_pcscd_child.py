"""The keeper of a private pcscd, talked to over its control socket as its owner does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from prcard.simulator.pcscd_child import main

RECORDER = """#!/bin/sh
[ "$1" = --help ] && {{ echo "--disable-polkit"; exit 0; }}
echo "$LISTEN_FDS $([ "$LISTEN_PID" = $$ ] && echo own) $*" >> {log}
exec sleep 60
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in pcscd's place that writes down how it was called."""
    path = tmp_path / "pcscd"
    path.write_text(RECORDER.format(log=tmp_path / "calls"))
    path.chmod(0o755)
    return path


def run(program: Path, folder: Path, requests: bytes, namespace: str = "none") -> tuple[int, bytes]:
    """Runs the keeper in a process of its own; gives its exit code and what it answered."""
    folder.mkdir()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "prcard.simulator.pcscd_child", str(theirs.fileno()), str(folder), str(program)]
    with subprocess.Popen([*command, namespace], pass_fds=(theirs.fileno(),)) as keeper:
        theirs.close()
        ours.settimeout(20)
        answers = ours.recv(1)
        for request in requests:
            ours.sendall(bytes((request,)))
            answers += ours.recv(1)
        ours.close()
        return keeper.wait(20), answers


def test_it_hands_over_the_socket_and_goes_with_its_owner(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert run(program, folder, b"") == (0, b"h")
    expected = f"1 own --foreground --config {folder}/reader.conf.d --disable-polkit\n"
    # It may be ended before it had the time to write anything.
    assert not (tmp_path / "calls").exists() or (tmp_path / "calls").read_text() == expected
    assert not folder.exists()


def test_it_starts_it_anew_and_kills_it(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path / "folder", b"rkkr") == (0, b"hrkkr")


def test_a_program_that_cannot_run_is_no_reason_to_stay(tmp_path: Path) -> None:
    missing = tmp_path / "pcscd"
    missing.write_text("#!/nowhere\n")
    missing.chmod(0o644)
    folder = tmp_path / "folder"
    folder.mkdir()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "prcard.simulator.pcscd_child", str(theirs.fileno()), str(folder), str(missing)]
    with subprocess.Popen([*command, "none"], pass_fds=(theirs.fileno(),), stderr=subprocess.DEVNULL) as keeper:
        theirs.close()
        assert ours.recv(1) == b""
        assert keeper.wait(20) != 0
    ours.close()


def test_a_socket_made_inside_is_handed_out(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ours, theirs = socket.socketpair()
    # Only the main thread may set signals, and here that is the test's.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    keeper = threading.Thread(target=main, args=([str(theirs.detach()), str(folder), str(program), "none"],))
    keeper.start()
    assert ours.recv(1) == b"h"
    ours.sendall(b"c")
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    with socket.socket(fileno=descriptors[0]) as made:
        assert (made.family, made.type) == (socket.AF_INET, socket.SOCK_STREAM)
    ours.close()
    keeper.join(20)
    assert not keeper.is_alive()
    assert not folder.exists()


ISOLATED = """
import ctypes, os, socket, sys
from prcard.simulator.pcscd_child import isolate
PR_SET_DUMPABLE = 4
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(sys.argv[2]))
done = isolate()
with socket.socket() as probe, socket.socket() as server:
    reached = probe.connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0
    if done:
        server.bind(("127.0.0.1", 0)); server.listen()
        with socket.create_connection(server.getsockname(), timeout=5):
            pass
print(done, reached)
"""


@pytest.mark.parametrize("may_map", [1, 0])
def test_an_ordinary_user_gets_a_loopback_of_its_own_or_stays_outside(may_map: int) -> None:
    """A process that may not write its user map is let in and then refused, as on systems that restrict namespaces."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        command = [sys.executable, "-c", ISOLATED, str(outside.getsockname()[1]), str(may_map)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=environment)
    inside, outside_reached = ["True", "False"], ["False", "True"]
    assert done.stdout.split() in ([inside, outside_reached] if may_map or os.getuid() else [outside_reached])
