"""The virtual card as a PC/SC program sees it: APDUs in, responses out, as ISO/IEC 7816-4 says.

It shows all that a card of this field can show: our application with its files, what a state card shows to an ordinary
reader (chip serial and management number), and what a reader with an inner SAM gives by pseudo-APDUs. Each can be left
out. Whatever is shown says that it is simulated: in the ATR, in the label of the application and in the chip serial.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.errors import RemoteWireError, TrustError
from prcard.trust.compact import find_security_object
from prcard.trust.security_object import parse_security_object, zones_of
from prcard.wire.apdu import EXTENDED_BYTES, SHORT_BYTES, CommandAPDU, ResponseAPDU, StatusWord
from prcard.wire.card_application import (
    AID,
    ATR_MARK,
    EF,
    LABEL_SIMULATED,
    VENDOR_PIECES,
    CardKind,
    Instruction,
)
from prcard.wire.tlv import wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.record.raw import RawCard

__all__ = ["ATR", "APDUCard", "EveryKind"]

EveryKind: Final = frozenset({CardKind.APPLICATION, CardKind.VENDOR, CardKind.SEALED})

MF, DF, EF_DIR, EF_ATR, EF_CHIP = 0x3F00, 0x5052, 0x2F00, 0x2F01, 0x6002
_LENGTH_LIMITS: Final = wrap(0x7F66, wrap(0x02, b"\x7f\xff"), wrap(0x02, b"\x7f\xff"))


def _atr() -> bytes:
    """Builds the ATR: T=0 and T=1 offered, as contactless cards show themselves over PC/SC, and honest capabilities."""
    service = bytes((0x31, 0xE8))  # selection by full and partial name, EF.DIR and EF.ATR by READ BINARY, with MF
    capabilities = bytes((0x73, 0xF4, 0x01, 0x40))  # by name, path, file id and short id; one byte; extended lengths
    history = b"\x80" + service + capabilities + bytes((0x50 | len(ATR_MARK) + 1,)) + ATR_MARK + b"1"
    body = bytes((0x80 | len(history), 0x80, 0x01)) + history
    return b"\x3b" + body + bytes((reduce(xor, body),))


ATR: Final = _atr()


class _Problem(Exception):  # noqa: N818  # a status word on its way out, not an error of ours
    """Ends a command with a status word."""

    def __init__(self, sw: int) -> None:
        super().__init__(sw)
        self.sw = sw


class _File(NamedTuple):
    """One file: an EF with its content, or a DF with its name."""

    file_id: int
    parent: int
    content: bytes | None
    short_id: int = 0
    name: bytes = b""

    def control(self) -> bytes:
        """What an FCP template says of it."""
        identifier = wrap(0x83, self.file_id.to_bytes(2, "big"))
        if self.content is None:
            return wrap(0x82, b"\x38") + identifier + (wrap(0x84, self.name) if self.name else b"") + b"\x8a\x01\x05"
        size = wrap(0x80, len(self.content).to_bytes(2, "big"))
        return size + wrap(0x82, b"\x01") + identifier + wrap(0x88, bytes((self.short_id << 3,))) + b"\x8a\x01\x05"


@dataclass(slots=True)
class _Session:
    """What a reset forgets."""

    folder: int = MF
    file: int | None = None
    waiting: bytes = field(default=b"", repr=False)


class APDUCard:
    """One card; used by one thread at a time.

    Args:
        card: The zones.
        kinds: Which ways of showing them are there.
        get_response: Emulate a T=0 card, which hands out response data only by GET RESPONSE (61xx, 6Cxx).
    """

    atr = ATR

    def __init__(self, card: RawCard, *, kinds: Collection[CardKind] = EveryKind, get_response: bool = False) -> None:
        self._card = card
        self._kinds = frozenset(kinds)
        self._get_response = get_response
        digest = hashlib.sha256(card.text + card.photo).digest()
        self.chip_serial = b"\x99SIM" + digest[:4]
        """Eight bytes that differ from specimen to specimen and begin with 99 53 49 4D."""
        self._files = {file.file_id: file for file in self._all_files()}
        self._session = _Session()
        self._commands: dict[tuple[int, int], Callable[[CommandAPDU], ResponseAPDU]] = {
            Instruction.SELECT.value: self._select,
            Instruction.READ_BINARY.value: self._read_binary,
            (0x00, 0xC0): self._fetch_rest,
            (0x00, 0x84): self._get_challenge,
            (0x00, 0xCA): self._get_data,
            Instruction.GET_UID.value: self._get_uid,
        }
        if CardKind.SEALED in self._kinds:
            self._commands[Instruction.CHIP_SERIAL.value] = self._get_chip_serial
            self._commands[Instruction.READ_MANAGEMENT.value] = self._read_management
        if CardKind.VENDOR in self._kinds:
            self._commands[Instruction.VENDOR_READ.value] = self._vendor_read

    def reset(self) -> None:
        """Power on, power off or reset: nothing is selected any more."""
        self._session = _Session()

    def answer(self, data: bytes) -> bytes:
        """Carries out one command.

        Args:
            data: A command APDU, well-formed or not.

        Returns:
            The response APDU, 2 bytes or more.
        """
        try:
            command = CommandAPDU.parse(data)
        except RemoteWireError:
            return ResponseAPDU(b"", StatusWord.WRONG_LENGTH).serialize()
        try:
            response = self._carry_out(command)
        except _Problem as problem:
            response = ResponseAPDU(b"", problem.sw)
        if command.ins != 0xC0 and command.cla != 0xFF:
            response = self._hold_back(command, response)
        return response.serialize()

    def _carry_out(self, command: CommandAPDU) -> ResponseAPDU:
        if command.ins != 0xC0:
            self._session.waiting = b""
        found = self._commands.get((command.cla, command.ins))
        if found is not None:
            return found(command)
        _check_class(command.cla)
        raise _Problem(StatusWord.UNKNOWN_INS)

    def _hold_back(self, command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        """Keeps what does not fit Le for GET RESPONSE; a T=0 card keeps everything of a command that carries data."""
        room = 0 if command.le is None or (self._get_response and command.data) else command.le
        data = response.data
        if len(data) <= room or not response.done:
            return response
        if command.le is None and not self._get_response:
            # Case 3 of ISO/IEC 7816-3, 12.1.2: no response data were asked for.
            return ResponseAPDU(b"", response.sw)
        return self._keep(data, room)

    def _keep(self, data: bytes, room: int) -> ResponseAPDU:
        self._session.waiting = data[room:]
        return ResponseAPDU(data[:room], 0x6100 | min(len(data) - room, SHORT_BYTES) & 0xFF)

    # Files and selection.

    def _all_files(self) -> list[_File]:
        files = [
            _File(MF, MF, None),
            _File(EF_ATR, MF, _LENGTH_LIMITS, 1),
        ]
        if CardKind.APPLICATION in self._kinds:
            entry = wrap(0x61, wrap(0x4F, AID), wrap(0x50, LABEL_SIMULATED))
            files += [_File(EF_DIR, MF, entry, 0x1E), _File(DF, MF, None, name=AID)]
            files += [_File(ef.file_id, DF, content, ef.short_id) for ef, content in _contents(self._card).items()]
        else:
            files.append(_File(EF_DIR, MF, b"", 0x1E))
        if CardKind.SEALED in self._kinds:
            files.append(_File(EF_CHIP, MF, None))
        return files

    def _select(self, command: CommandAPDU) -> ResponseAPDU:
        if command.p2 & 0xF0 or (command.p2 & 0x03 > 1 and command.p1 != 0x04):
            raise _Problem(StatusWord.WRONG_P1P2)
        found = self._find(command)
        if found.content is None:
            self._session.folder, self._session.file = found.file_id, None
        else:
            self._session.folder, self._session.file = found.parent, found.file_id
        return ResponseAPDU(_template(found, command.p2 & 0x0C), StatusWord.DONE)

    def _find(self, command: CommandAPDU) -> _File:
        p1, data = command.p1, command.data
        if p1 == 0x04:
            return self._by_name(data, command.p2 & 0x03)
        if p1 == 0x03:
            if data:
                raise _Problem(StatusWord.WRONG_LENGTH)
            return self._files[self._files[self._session.folder].parent]
        if p1 in {0x08, 0x09}:
            return self._by_path(data, MF if p1 == 0x08 else self._session.folder)
        if p1 > 0x02:
            raise _Problem(StatusWord.WRONG_P1P2)
        if not data and p1 == 0x00:
            return self._files[MF]
        if len(data) != 2:
            raise _Problem(StatusWord.WRONG_LENGTH)
        return self._by_id(int.from_bytes(data, "big"), p1)

    def _by_name(self, name: bytes, occurrence: int) -> _File:
        if not 1 <= len(name) <= 16:
            raise _Problem(StatusWord.WRONG_LENGTH)
        # There is one application: it is the first and the last that any beginning of its name finds.
        folder = self._files.get(DF)
        if folder is None or occurrence > 1 or not folder.name.startswith(name):
            raise _Problem(StatusWord.FILE_NOT_FOUND)
        return folder

    def _by_id(self, file_id: int, p1: int) -> _File:
        """P1 00: MF, what lies in the current DF or beside it, and its parent; 01 a DF below, 02 an EF below."""
        found = self._files.get(file_id)
        here = self._session.folder
        above = self._files[here].parent
        near = {here} if p1 else {here, above}
        if found is None or not (found.parent in near or (not p1 and file_id in {MF, here, above})):
            raise _Problem(StatusWord.FILE_NOT_FOUND)
        if (p1 == 0x01 and found.content is not None) or (p1 == 0x02 and found.content is None):
            raise _Problem(StatusWord.FILE_NOT_FOUND)
        return found

    def _by_path(self, path: bytes, start: int) -> _File:
        if not path or len(path) % 2:
            raise _Problem(StatusWord.WRONG_LENGTH)
        found = self._files[start]
        for at in range(0, len(path), 2):
            below = self._files.get(int.from_bytes(path[at : at + 2], "big"))
            if below is None or below.parent != found.file_id or below.file_id == MF:
                raise _Problem(StatusWord.FILE_NOT_FOUND)
            found = below
        return found

    def _read_binary(self, command: CommandAPDU) -> ResponseAPDU:
        if command.data or command.le is None:
            raise _Problem(StatusWord.WRONG_LENGTH)
        if command.p1 & 0x80:
            if command.p1 & 0x60 or command.p1 & 0x1F == 0x1F:
                raise _Problem(StatusWord.WRONG_P1P2)
            offset = command.p2
            if command.p1 & 0x1F:
                self._session.file = self._by_short_id(command.p1 & 0x1F).file_id
        else:
            offset = command.p1 << 8 | command.p2
        if self._session.file is None:
            raise _Problem(StatusWord.NO_CURRENT_FILE)
        content = self._files[self._session.file].content or b""
        if offset >= len(content):
            raise _Problem(StatusWord.OFFSET_OUTSIDE)
        data = content[offset : offset + command.le]
        # Le of zeros alone asks for all that is there, within the limit of its form.
        whole = len(data) == command.le or command.le in {SHORT_BYTES, EXTENDED_BYTES}
        return ResponseAPDU(data, StatusWord.DONE if whole else StatusWord.END_OF_FILE)

    def _by_short_id(self, short_id: int) -> _File:
        for file in self._files.values():
            if file.short_id == short_id and file.parent == self._session.folder:
                return file
        raise _Problem(StatusWord.FILE_NOT_FOUND)

    # Data that are no files.

    def _fetch_rest(self, command: CommandAPDU) -> ResponseAPDU:
        if command.p1 or command.p2:
            raise _Problem(StatusWord.WRONG_P1P2)
        if command.data or command.le is None:
            raise _Problem(StatusWord.WRONG_LENGTH)
        waiting = self._session.waiting
        if not waiting:
            raise _Problem(StatusWord.CONDITIONS_NOT_SATISFIED)
        if len(waiting) <= command.le:
            self._session.waiting = b""
            return ResponseAPDU(waiting, StatusWord.DONE)
        return self._keep(waiting, command.le)

    def _get_challenge(self, command: CommandAPDU) -> ResponseAPDU:
        _check_plain(command)
        return ResponseAPDU(secrets.token_bytes(min(command.le or 0, SHORT_BYTES)), StatusWord.DONE)

    def _get_data(self, command: CommandAPDU) -> ResponseAPDU:
        if command.data or command.le is None:
            raise _Problem(StatusWord.WRONG_LENGTH)
        objects = {0x5F51: ATR, 0x5F52: ATR[4:-1], 0x7F66: _LENGTH_LIMITS[3:]}
        if self._session.folder == DF:
            objects[0x004F] = AID
        data = objects.get(command.p1 << 8 | command.p2)
        if data is None:
            raise _Problem(StatusWord.DATA_NOT_FOUND)
        return _exactly(data, command)

    def _get_uid(self, command: CommandAPDU) -> ResponseAPDU:
        """PC/SC part 3, GET DATA: the reader answers it; 01 00 would ask for the historical bytes of type A."""
        if command.p1 or command.p2:
            raise _Problem(StatusWord.FUNCTION_NOT_SUPPORTED)
        _check_plain(command)
        return _exactly(self.chip_serial, command)

    def _get_chip_serial(self, command: CommandAPDU) -> ResponseAPDU:
        _check_plain(command)
        return _exactly(self.chip_serial, command)

    def _read_management(self, command: CommandAPDU) -> ResponseAPDU:
        """80 B0 00 00 20 after SELECT 6002: 32 bytes, of which the first 16 are the management number."""
        if self._session.folder != EF_CHIP:
            raise _Problem(StatusWord.NO_CURRENT_FILE)
        _check_plain(command)
        numbers = self._card.management
        return _exactly((numbers.dn if numbers else b"").ljust(32, b"\x00"), command)

    def _vendor_read(self, command: CommandAPDU) -> ResponseAPDU:
        """FF B0 n 00 00: a reader with an inner SAM; it gives more than Le 00 covers, as observed."""
        if command.p1 >= len(VENDOR_PIECES) or command.p2:
            raise _Problem(StatusWord.WRONG_P1P2)
        if command.data or command.le is None:
            raise _Problem(StatusWord.WRONG_LENGTH)
        sizes = VENDOR_PIECES
        stream = b"\x01\x00\x04\x00" + self._card.text + b"\x00\x00\x04\x00" + self._card.photo
        start = sum(sizes[: command.p1])
        return ResponseAPDU(stream[start : start + sizes[command.p1]], StatusWord.DONE)


def _contents(card: RawCard) -> dict[EF, bytes]:
    """What stands in the files; a file that would be empty is not there."""
    try:
        # A fingerprint zone that only carries a security object is none: it becomes EF.SOD.
        zones, security_object = find_security_object(card)
    except TrustError:
        zones, security_object = zones_of(card), None
    files = {
        EF.DG1: card.text,
        EF.DG2: card.photo,
        EF.DG3: zones.get("fingerprint", b""),
        EF.DG13: b"".join(card.extra),
    }
    listed = bytes(ef.tag for ef, content in files.items() if content)
    numbers = card.management
    files[EF.COM] = wrap(0x60, wrap(0x5F01, b"0108"), wrap(0x5F36, b"040000"), wrap(0x5C, listed))
    files[EF.SOD] = security_object or b""
    files[EF.STATUS] = _status_place(security_object)
    files[EF.MANAGEMENT] = numbers.iin + numbers.sn + numbers.dn if numbers else b""
    return {ef: content for ef, content in files.items() if content}


def _status_place(security_object: bytes | None) -> bytes:
    if security_object is None:
        return b""
    try:
        status = parse_security_object(security_object).status
    except TrustError:
        return b""
    return status.list_id.to_bytes(4, "big") + status.entry.to_bytes(4, "big") if status else b""


def _template(file: _File, wanted: int) -> bytes:
    """The FCI (P2 00), FCP (04), FMD (08) or nothing (0C)."""
    about = wrap(0x84, file.name) + wrap(0x50, LABEL_SIMULATED) if file.name else b""
    if wanted == 0x0C:
        return b""
    if wanted == 0x08:
        return wrap(0x64, about)
    control = file.control()
    return wrap(0x62, control) if wanted == 0x04 else wrap(0x6F, control, wrap(0x50, LABEL_SIMULATED) if about else b"")


def _check_plain(command: CommandAPDU) -> None:
    """Refuses parameters, data and a missing Le where a command knows none of them."""
    if command.p1 or command.p2:
        raise _Problem(StatusWord.WRONG_P1P2)
    if command.data or command.le is None:
        raise _Problem(StatusWord.WRONG_LENGTH)


def _exactly(data: bytes, command: CommandAPDU) -> ResponseAPDU:
    """Gives an object that has one length; Le of zeros asks for all of it."""
    if command.le not in {len(data), SHORT_BYTES, EXTENDED_BYTES}:
        raise _Problem(0x6C00 | len(data))
    return ResponseAPDU(data, StatusWord.DONE)


def _check_class(cla: int) -> None:
    """Says what is wrong with a class byte. Source: ISO/IEC 7816-4:2020, 5.4.1, tables 2 and 3."""
    if cla & 0x80:
        # Proprietary classes know the commands of the table only.
        raise _Problem(StatusWord.UNKNOWN_CLA)
    if cla & 0x60 == 0x20:
        raise _Problem(StatusWord.UNKNOWN_CLA)
    channel = cla & 0x0F if cla & 0x40 else cla & 0x03
    if cla & 0x40 or channel:
        raise _Problem(StatusWord.CHANNEL_NOT_SUPPORTED)
    if cla & 0x0C:
        raise _Problem(StatusWord.SECURE_MESSAGING_NOT_SUPPORTED)
    if cla & 0x10:
        raise _Problem(StatusWord.CHAINING_NOT_SUPPORTED)
