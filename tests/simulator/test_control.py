"""The control socket. How a served reader is driven through it stands in tests/cli/test_simulate.py."""

from __future__ import annotations

import json
import socket
import stat
import threading
from pathlib import Path

import pytest

from prcard.simulator import control
from prcard.simulator.control import MAX_LINE_BYTES, Control
from prcard.simulator.device import VirtualReader


def test_only_its_owner_may_reach_it_and_it_goes_away() -> None:
    before = threading.active_count()
    served = Control(VirtualReader())
    path = Path(served.path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    served.close()
    assert not path.parent.exists()
    assert threading.active_count() == before


def test_rubbish_is_answered_and_the_line_stays() -> None:
    served = Control(VirtualReader())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(served.path)
        answers = line.makefile("rb")
        for request in (b"\xff\xfe\n", b"insert \xff\n", b"x" * MAX_LINE_BYTES, b"status\n"):
            line.sendall(request)
            answer = json.loads(answers.readline())
        assert answer == {"ok": True, "card": None, "state": "EMPTY"}
    served.close()


def test_a_host_that_says_nothing_does_not_keep_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "IDLE_S", 0.05)
    served = Control(VirtualReader())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent, socket.socket(socket.AF_UNIX) as line:
        silent.connect(served.path)
        line.connect(served.path)
        line.sendall(b"status\n")
        assert json.loads(line.makefile("rb").readline())["ok"]
    served.close()
