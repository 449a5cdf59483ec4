"""The program that keeps one private pcscd: started by `prcard.simulator.pcscd`, never by a person.

    python -m prcard.simulator.pcscd_child CONTROL_FD FOLDER PCSCD NAMESPACE

It hands pcscd a listening socket by socket activation, which works for any user and keeps the socket private. Where it
may, it first enters a network namespace of its own, because the virtual readers' driver listens on every address of the
machine. It ends, and pcscd with it, as soon as the other end of CONTROL_FD is closed, by whatever death.

On the control socket: `c` asks for a TCP socket made inside the namespace, `r` for a new pcscd, `k` to kill the present
one. Each is answered by one byte, or by the socket. The first byte tells whether there is a namespace of its own (`i`)
or not (`h`).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["isolate", "main", "serve"]

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
PR_SET_PDEATHSIG: Final = 1
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
END_S: Final = 3.0
"""Seconds that pcscd gets to end before it is killed."""


def isolate() -> bool:
    """Enters a network namespace with nothing but a loopback; False when this user may not.

    It is tried in another process first: some systems let a user make a namespace and then refuse what makes it of use,
    and there is no way back out of it.
    """
    pid = os.fork()
    if pid == 0:
        try:
            _enter_namespace()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        return False
    _enter_namespace()
    return True


def _enter_namespace() -> None:
    user, group = os.getuid(), os.getgid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNET) != 0:
        if library.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "no namespace for this user")
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


class _Service:
    """One pcscd process on one listening socket."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder
        self._pid = 0
        self._arguments = [program, "--foreground", "--config", str(folder / "reader.conf.d")]
        # Newer ones ask polkit, which knows nothing of private sockets.
        shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)  # noqa: S603  # pcscd
        if "--disable-polkit" in shown.stdout + shown.stderr:
            self._arguments.append("--disable-polkit")

    def start(self) -> None:
        """Starts pcscd on a new socket; the old socket, if any, is replaced."""
        path = self._folder / "pcscd.comm"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(16)
            parent = os.getpid()
            # A signal that comes before the new process takes signals again waits, and is not lost.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            self._pid = os.fork()
            if self._pid == 0:
                self._become_pcscd(listener.fileno(), parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become_pcscd(self, listener: int, parent: int) -> None:
        try:
            # Dies with this program, also when that is killed; the check closes the gap before the request.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            log = os.open(self._folder / "pcscd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (log, 1), (log, 2), (listener, 3)):
                os.dup2(source, target)
            # dup2 onto itself keeps the mark that closes a descriptor at exec.
            os.set_inheritable(3, True)
            environment = os.environ | {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
            if os.getppid() == parent:
                os.execve(self._arguments[0], self._arguments, environment)  # noqa: S606  # as above
        finally:
            os._exit(127)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ends pcscd and waits for it; a second call does nothing."""
        pid, self._pid = self._pid, 0
        if not pid:
            return
        waited = os.pidfd_open(pid)
        os.kill(pid, number)
        if not select.select([waited], [], [], END_S)[0]:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(waited)


def serve(control: socket.socket, service: _Service) -> None:
    """Does what the other end asks for until it closes."""
    while request := control.recv(1):
        if request == b"c":
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
                socket.send_fds(control, [b"c"], [made.fileno()])
            continue
        service.end(signal.SIGKILL)
        if request == b"r":
            service.start()
        control.sendall(request)


def main(arguments: list[str]) -> int:
    """Runs until the other end of the control socket closes; returns the exit code."""
    descriptor, folder, program, namespace = arguments
    for number in _SIGNALS:
        # Ctrl-C reaches the whole group of processes; the other end decides when this one stops.
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as control:
        isolated = namespace == "own" and isolate()
        service = _Service(Path(folder), program)
        try:
            service.start()
            with contextlib.suppress(OSError):
                control.sendall(b"i" if isolated else b"h")
                serve(control, service)
        finally:
            service.end()
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
