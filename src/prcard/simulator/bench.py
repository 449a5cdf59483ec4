"""A virtual reader for tests: served, driven and asked by one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from prcard.errors import FieldProblem, RecordError
from prcard.simulator.cards import load_card
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.faults import Fault
from prcard.simulator.fidelity import fidelity as find_fidelity
from prcard.simulator.rfc2217 import RFC2217Face
from prcard.simulator.server import Server
from prcard.wire.codes import Command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from prcard.record.raw import RawCard
    from prcard.simulator.device import Heard
    from prcard.simulator.server import Face

__all__ = ["ReaderBench"]

_FACES: dict[str, type[PtyFace | TCPFace | UDPFace]] = {
    "serial": PtyFace,
    "tcp": TCPFace,
    "udp": UDPFace,
    "rfc2217": RFC2217Face,
}


class ReaderBench:
    """A virtual reader that serves hosts while the `with` block runs; every method may be called from any thread.

    Args:
        faces: Where to serve: `serial`, `tcp`, `udp`, `rfc2217`; all show the same card.
        fidelity: Name of the fidelity profile.
        seed: Decides what faults leave to chance.

    Attributes:
        reader: The virtual reader itself.

    Raises:
        RecordError: a face or a profile is not known.
    """

    def __init__(self, faces: Sequence[str] = ("tcp",), fidelity: str = "plain", seed: int = 0) -> None:
        unknown = [kind for kind in faces if kind not in _FACES]
        if unknown or not faces:
            raise RecordError(FieldProblem("face", None, f"some of {', '.join(_FACES)}", repr(unknown)))
        self.reader = VirtualReader(fidelity=find_fidelity(fidelity), seed=seed)
        self._faces: dict[str, Face] = {kind: _FACES[kind]() for kind in faces}
        self._server = Server(self.reader, list(self._faces.values()))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def uri(self) -> str:
        """Reader URI of the first face, for instance `tcp:127.0.0.1:40123`."""
        return next(iter(self._faces.values())).uri

    @property
    def uris(self) -> dict[str, str]:
        """Reader URIs of all faces by kind."""
        return {kind: face.uri for kind, face in self._faces.items()}

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first face.

        Raises:
            RecordError: the first face is a serial device.
        """
        face = next(iter(self._faces.values()))
        if isinstance(face, PtyFace):
            raise RecordError(FieldProblem("face", None, "tcp, udp or rfc2217", "serial"), advice="Use `device`.")
        host, _, port = face.uri.rpartition(":")
        return host.rpartition("/")[2].removeprefix(f"{face.kind}:").strip("[]"), int(port)

    @property
    def device(self) -> str:
        """Name of the serial device.

        Raises:
            RecordError: there is no serial face.
        """
        if "serial" not in self._faces:
            raise RecordError(
                FieldProblem("face", None, "serial", ", ".join(self._faces)),
                advice='Ask for it: reader_face("serial").',
            )
        return self._faces["serial"].uri.removeprefix("serial:")

    def insert(self, card: RawCard | str, name: str | None = None) -> None:
        """Lays a card down, lifting the one that lies there; a name is that of a specimen or of a capture's file."""
        if isinstance(card, str):
            self.reader.insert(load_card(card), name or card)
        else:
            self.reader.insert(card, name or "")

    def remove(self) -> None:
        """Lifts the card."""
        self.reader.remove()

    def unplug(self, seconds: float | None = None) -> None:
        """Pulls the reader off its hosts, for so long or until `plug`."""
        self.reader.unplug(seconds)

    def plug(self) -> None:
        """Plugs it in again."""
        self.reader.plug()

    def fault(self, kind: str, **keys: Any) -> None:
        """Arms a fault: `fault("wrong-check", command="FIND_CARD", times=2)`.

        Raises:
            RecordError: names the key that is refused.
        """
        self.reader.inject(Fault.from_document({"kind": kind, **keys}))

    def clear_faults(self) -> None:
        """Disarms all faults."""
        self.reader.clear_faults()

    @property
    def commands(self) -> list[str]:
        """Names of the commands that hosts have asked for so far; `?` for a request that was refused."""
        return [heard.command.name if heard.command is not None else "?" for heard in self.reader.journal()]

    def wait_for(self, command: str, timeout_s: float = 10.0) -> Heard:
        """Waits until a host has asked for a command, since the start.

        Raises:
            RecordError: it did not in time, or there is no such command.
        """
        if command not in Command.__members__:
            raise RecordError(
                FieldProblem("command", None, f"one of {', '.join(Command.__members__)}", repr(command[:40]))
            )
        heard = self.reader.wait_for(Command[command], timeout_s)
        if heard is None:
            raise RecordError(FieldProblem(command, None, f"a request within {timeout_s:g} s", "none"))
        return heard
