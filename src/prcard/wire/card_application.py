"""What can be read from a card over PC/SC, and in which order: a procedure without a port.

Three kinds of card are told apart. A card with **our application** (`AID`) is read in full. A reader with an inner SAM
gives text and photo of a **state card** by pseudo-APDUs of its own. A state card on an **ordinary reader** shows its
chip serial number and its management number and nothing else: its files open only to the SAM of a certified reader, and
nothing here tries to.

Whatever a card claims, no more is read of a file than the table `EF` allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final, Self

from prcard.errors import ReaderError, ReaderFault, RemoteWireError
from prcard.wire import tlv
from prcard.wire.apdu import SHORT_BYTES, CommandAPDU, StatusWord, complete

if TYPE_CHECKING:
    from prcard.wire.apdu import APDUProcedure, ResponseAPDU

__all__ = [
    "AID",
    "EF",
    "LABEL",
    "LABEL_SIMULATED",
    "VENDOR_PIECES",
    "CardIdentity",
    "CardKind",
    "CardReading",
    "Instruction",
    "SwappedCardError",
    "identify_card",
    "read_pcsc_card",
    "simulated_by_atr",
    "vendor_command",
]

AID: Final = bytes.fromhex("F0") + b"PRCARD\x01"
"""Name of our application: category F (proprietary, not registered), then a version. Source: ours (D)."""

LABEL: Final = b"PRCARD"
LABEL_SIMULATED: Final = b"PRCARD SIMULATED"
"""Application label (tag 50) that SELECT answers; the second one is a simulator's, and only `training` accepts it."""

ATR_MARK: Final = b"PRCSIM"
"""Stands in the historical bytes of every card that the simulator shows. Source: ours (D)."""


@unique
class Instruction(Enum):
    """Commands that are sent, as (CLA, INS); what follows in parentheses is the source's confidence."""

    SELECT = (0x00, 0xA4)
    READ_BINARY = (0x00, 0xB0)
    CHIP_SERIAL = (0x00, 0x36)  # state card: 00 36 00 00 08 (A)
    READ_MANAGEMENT = (0x80, 0xB0)  # state card: 80 B0 00 00 20 after SELECT 6002 (B)
    GET_UID = (0xFF, 0xCA)  # PC/SC part 3: FF CA 00 00 00 (B)
    VENDOR_READ = (0xFF, 0xB0)  # readers with an inner SAM: FF B0 00…05 00 00 (C)


@unique
class EF(Enum):
    """The files of our application. A row is: file id, short id, tag in EF.COM or 0, most bytes, content.

    Attributes:
        file_id: Two bytes as a number.
        short_id: Short EF identifier, 1–30.
        tag: Under which EF.COM lists it; 0 when it does not.
        max_bytes: More than this is never read.
        content: What the file holds.

    Source: numbers and tags of the data groups as in ICAO Doc 9303-10; contents and the last two files are ours (D).
    """

    file_id: int
    short_id: int
    tag: int
    max_bytes: int
    content: str

    COM = (0x011E, 0x1E, 0, 256, "which data groups there are: template 60 with 5F01, 5F36 and 5C")
    DG1 = (0x0101, 0x01, 0x61, 256, "text zone, 256 bytes, no tag around it")
    DG2 = (0x0102, 0x02, 0x75, 1024, "photo zone, 1024 bytes, no tag around it")
    DG3 = (0x0103, 0x03, 0x63, 1024, "fingerprint zone, 512 or 1024 bytes, no tag around it")
    DG13 = (0x010D, 0x0D, 0x6D, 280, "additional addresses, 70 bytes each, at most 4, no tag around them")
    SOD = (0x011D, 0x1D, 0, 16 * 1024, "security object, with its outer tag 77")
    STATUS = (0x011A, 0x1A, 0, 8, "place in a status list: list and entry, 4 bytes each, big-endian; not signed here")
    MANAGEMENT = (0x0119, 0x19, 0, 28, "management numbers: IIN 4, SN 8, DN 16 bytes")

    def __new__(cls, file_id: int, short_id: int, tag: int, max_bytes: int, content: str) -> Self:
        """Builds one row of the table."""
        row = object.__new__(cls)
        row._value_ = file_id
        row.file_id, row.short_id, row.tag, row.max_bytes, row.content = file_id, short_id, tag, max_bytes, content
        return row


@unique
class CardKind(Enum):
    """What lies on a PC/SC reader."""

    APPLICATION = "card with our application"
    VENDOR = "state card on a reader with an inner SAM"
    SEALED = "state card on an ordinary reader"
    UNKNOWN = "another card"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardIdentity:
    """What a card tells about itself before anything is read.

    Attributes:
        kind: Which kind of card.
        chip_serial: Chip serial number, or the UID that the reader gives; b"" when neither. It tells one card from
            another and thereby one person from another.
        management_number: 16 bytes of a sealed state card; b"" when it does not tell.
        simulated: True when the card says that it is made of software.
    """

    kind: CardKind
    chip_serial: bytes = b""
    management_number: bytes = b""
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """The bytes of one card as it gave them.

    Attributes:
        identity: What the card is.
        text: 256 bytes.
        photo: 1024 bytes.
        fingerprint: 0, 512 or 1024 bytes.
        extra: Additional addresses, 70 bytes each.
        management: IIN (4), SN (8) and DN (16 bytes) in a row, or b"".
        security_object: EF.SOD, or None.
    """

    identity: CardIdentity
    text: bytes
    photo: bytes
    fingerprint: bytes = b""
    extra: tuple[bytes, ...] = ()
    management: bytes = b""
    security_object: bytes | None = None


VENDOR_HEAD_BYTES: Final = 4
VENDOR_PIECES: Final = (260, 256, 256, 256, 256, 4)
"""Bytes of each answer to `FF B0 n 00 00`: four bytes and the text zone; then, in 256s, four bytes and the photo zone.

What the four bytes say is not known; they are skipped. Source: observed in a public host program (C)."""


def vendor_command(piece: int) -> CommandAPDU:
    """Gives the pseudo-APDU for a piece, 0–5."""
    return CommandAPDU(*Instruction.VENDOR_READ.value, piece, 0, le=SHORT_BYTES)


def simulated_by_atr(atr: bytes) -> bool:
    """Tells whether an ATR is one of our simulator's."""
    return ATR_MARK in atr


def identify_card(atr: bytes) -> APDUProcedure[CardIdentity]:
    """Finds out what lies there; nothing personal is read but the numbers that the card shows to anyone.

    Raises:
        RemoteWireError: the card's answers are not those of a smart card.
    """
    serial = yield from _chip_serial()
    kind, label, _ = yield from _kind(sealed=serial is not None and serial[0] is Instruction.CHIP_SERIAL)
    number = (yield from _management_number()) if kind is CardKind.SEALED else b""
    return CardIdentity(
        kind=kind,
        chip_serial=serial[1] if serial else b"",
        management_number=number,
        simulated=simulated_by_atr(atr) or label == LABEL_SIMULATED,
    )


def read_pcsc_card(
    atr: bytes, *, fingerprint: bool = False, extra: bool = False, management: bool = False, extended: bool = False
) -> APDUProcedure[CardReading]:
    """Reads everything that a card gives.

    The chip serial number is asked for at the start and at the end: when they differ, another card was laid down in
    between, and nothing of either is returned.

    Args:
        atr: Answer to reset of the card, as the reader gave it.
        fingerprint: Read the fingerprint zone.
        extra: Read the additional addresses.
        management: Read the management numbers.
        extended: Ask for whole files; a card that refuses that is read in short pieces.

    Raises:
        ReaderError: `CARD_SEALED` for a state card on an ordinary reader, `CARD_UNKNOWN` for another card,
            `CARD_REFUSED` when a file is not given, `CARD_UNREADABLE` when what the card says makes no sense.
        SwappedCardError: the card was swapped while it was read.
    """
    try:
        serial = yield from _chip_serial()
        kind, label, first = yield from _kind(sealed=serial is not None and serial[0] is Instruction.CHIP_SERIAL)
        identity = CardIdentity(
            kind=kind,
            chip_serial=serial[1] if serial else b"",
            simulated=simulated_by_atr(atr) or label == LABEL_SIMULATED,
        )
        if kind is CardKind.APPLICATION:
            files = _Files(extended=extended)
            reading = yield from files.read(identity, fingerprint=fingerprint, extra=extra, management=management)
        elif kind is CardKind.VENDOR:
            reading = yield from _read_vendor(identity, first)
        else:
            raise _nothing_to_read(kind)
        if serial is not None and (yield from _ask_serial(serial[0])) != serial[1]:
            raise SwappedCardError
    except RemoteWireError as error:
        raise ReaderError(
            ReaderFault.CARD_UNREADABLE,
            f"What the card answers makes no sense: {error}.",
            "Lay the card down again; if it fails again, check the card by other means.",
        ) from error
    return reading


class SwappedCardError(ReaderError):
    """Another card was laid down while one was read; nothing of either is kept."""

    def __init__(self) -> None:
        """Says so."""
        super().__init__(
            ReaderFault.CARD_REMOVED,
            "The card was swapped for another one while it was read.",
            "Lay one card down and leave it there until the reading is done.",
        )


def _nothing_to_read(kind: CardKind) -> ReaderError:
    if kind is CardKind.SEALED:
        return ReaderError(
            ReaderFault.CARD_SEALED,
            "This is a state card on an ordinary PC/SC reader: it shows that it is there, its chip serial number and "
            "its management number, and opens text and photo only to the security module (SAM) of a certified reader.",
            "Read it on a SAM_V reader: prcard readers.",
        )
    return ReaderError(
        ReaderFault.CARD_UNKNOWN,
        "The card on the reader is none that can be read here: it has no such application and is no state card.",
        "Lay another card down.",
    )


def _chip_serial() -> APDUProcedure[tuple[Instruction, bytes] | None]:
    """Asks the card, then the reader, what tells this card from others; None when neither says."""
    for instruction in (Instruction.CHIP_SERIAL, Instruction.GET_UID):
        serial = yield from _ask_serial(instruction)
        if serial:
            return instruction, serial
    return None


def _ask_serial(instruction: Instruction) -> APDUProcedure[bytes]:
    wanted = 8 if instruction is Instruction.CHIP_SERIAL else SHORT_BYTES
    response = yield from complete(CommandAPDU(*instruction.value, 0, 0, le=wanted))
    return response.data[:32] if response.done else b""


def _kind(*, sealed: bool) -> APDUProcedure[tuple[CardKind, bytes, bytes]]:
    """Gives the kind, the label of our application and the first piece of a vendor's reader."""
    response = yield from complete(CommandAPDU(*Instruction.SELECT.value, 0x04, 0x00, AID, SHORT_BYTES))
    if response.done:
        return CardKind.APPLICATION, tlv.find(response.data, 0x6F, 0x50) or b"", b""
    response = yield vendor_command(0)
    if response.done and len(response.data) == VENDOR_PIECES[0]:
        return CardKind.VENDOR, b"", response.data
    return (CardKind.SEALED if sealed else CardKind.UNKNOWN), b"", b""


def _management_number() -> APDUProcedure[bytes]:
    response = yield from complete(CommandAPDU(*Instruction.SELECT.value, 0, 0, b"\x60\x02"))
    if response.done:
        response = yield from complete(CommandAPDU(*Instruction.READ_MANAGEMENT.value, 0, 0, le=32))
    return response.data[:16] if response.done and len(response.data) == 32 else b""


def _read_vendor(identity: CardIdentity, first: bytes) -> APDUProcedure[CardReading]:
    photo = b""
    for piece, size in list(enumerate(VENDOR_PIECES))[1:]:
        response = yield vendor_command(piece)
        if not response.done or len(response.data) != size:
            raise RemoteWireError(
                f"photo piece {piece}: expected {size} bytes, found {len(response.data)} with "
                f"{StatusWord.describe(response.sw)}"
            )
        photo += response.data
    return CardReading(identity=identity, text=first[VENDOR_HEAD_BYTES:], photo=photo[VENDOR_HEAD_BYTES:])


class _Files:
    """Reads files of our application, which is selected already."""

    def __init__(self, *, extended: bool) -> None:
        self._extended = extended

    def read(
        self, identity: CardIdentity, *, fingerprint: bool, extra: bool, management: bool
    ) -> APDUProcedure[CardReading]:
        present = yield from self._listed()
        text = yield from self._zone(EF.DG1, present)
        photo = yield from self._zone(EF.DG2, present)
        finger = (yield from self._zone(EF.DG3, present)) if fingerprint else b""
        addresses = (yield from self._zone(EF.DG13, present)) if extra else b""
        numbers = (yield from self._file(EF.MANAGEMENT)) if management else None
        security_object = yield from self._file(EF.SOD)
        return CardReading(
            identity=identity,
            text=text,
            photo=photo,
            fingerprint=finger,
            extra=tuple(addresses[at : at + 70] for at in range(0, len(addresses), 70)),
            management=numbers if numbers and len(numbers) == EF.MANAGEMENT.max_bytes else b"",
            security_object=security_object,
        )

    def _listed(self) -> APDUProcedure[frozenset[int]]:
        listing = yield from self._file(EF.COM)
        tags = tlv.find(listing or b"", 0x60, 0x5C)
        if tags is None:
            raise RemoteWireError("EF.COM: expected a list of data groups (60, 5C), found none")
        return frozenset(tags)

    def _zone(self, file: EF, present: frozenset[int]) -> APDUProcedure[bytes]:
        if file.tag not in present and file not in {EF.DG1, EF.DG2}:
            return b""
        content = yield from self._file(file)
        if content is None:
            raise RemoteWireError(f"EF.{file.name}: expected the file that every such card has, found none")
        return content

    def _file(self, file: EF) -> APDUProcedure[bytes | None]:
        """Reads one file whole; None when the card has no such file."""
        content, wanted = b"", file.max_bytes
        while len(content) < wanted:
            piece = min(wanted - len(content), wanted if self._extended else SHORT_BYTES)
            response = yield from complete(self._command(file, len(content), piece))
            if response.sw == StatusWord.WRONG_LENGTH and self._extended and piece > SHORT_BYTES:
                # The ATR promised what card or reader does not keep.
                self._extended = False
                continue
            if response.sw == StatusWord.FILE_NOT_FOUND and not content:
                return None
            if content and response.sw == StatusWord.OFFSET_OUTSIDE:
                break
            _check_piece(file, response, piece)
            content += response.data
            if file is EF.SOD:
                wanted = _claimed_bytes(content, file)
            if len(response.data) < piece:
                # Fewer than asked for, whatever the status word: this is the end of the file.
                break
        if file is EF.SOD and len(content) < wanted:
            raise RemoteWireError(f"EF.SOD: expected {wanted} bytes, found {len(content)}")
        return content[:wanted]

    def _command(self, file: EF, offset: int, size: int) -> CommandAPDU:
        # The first read names the file by its short id and thereby selects it; the offset has 15 bits then.
        p1, p2 = (0x80 | file.short_id, 0) if not offset else divmod(offset, 256)
        return CommandAPDU(*Instruction.READ_BINARY.value, p1, p2, le=size)


def _check_piece(file: EF, response: ResponseAPDU, asked: int) -> None:
    if response.sw not in {StatusWord.DONE, StatusWord.END_OF_FILE}:
        raise ReaderError(
            ReaderFault.CARD_REFUSED,
            f"The card does not give EF.{file.name}: {StatusWord.describe(response.sw)}.",
            "Lay the card down again; if it fails again, check the card by other means.",
        )
    if len(response.data) > asked:
        raise RemoteWireError(f"EF.{file.name}: expected at most {asked} bytes at once, found {len(response.data)}")


def _claimed_bytes(content: bytes, file: EF) -> int:
    """How long the file says that it is, held against what the table allows."""
    tag, _, end = tlv.extent(content)
    if tag != 0x77 or end > file.max_bytes:
        raise RemoteWireError(
            f"EF.{file.name}: expected tag 77 and at most {file.max_bytes} bytes, found tag {tag:X} and {end} bytes"
        )
    return end
