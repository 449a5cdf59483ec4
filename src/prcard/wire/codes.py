"""Every command and every status of the SAM_V protocol, with lengths, meaning and what to do next.

Each command is one row of `Command` and each status one row of `Status`; sessions, reference pages and
tests take all they know from these rows. Confidence: A three or more independent sources, B two, C one,
D inferred.
"""

from __future__ import annotations

from enum import Enum, IntEnum, unique
from typing import Final, NamedTuple, Self

from prcard.errors import LocalWireError, RemoteWireError

__all__ = ["Command", "ReadZones", "Status", "describe", "join_read_reply", "split_read_reply"]


@unique
class Status(IntEnum):
    """SW3, the state of reader and SAM in a reply.

    A row is: value, meaning in Chinese and English, the operator's next step in Chinese and English,
    confidence.

    Attributes:
        meaning_zh: Meaning in Chinese.
        meaning_en: Meaning in English, without a full stop.
        advice_zh: The operator's next step in Chinese; "" when there is nothing to do.
        advice_en: The operator's next step, one sentence; "" when there is nothing to do.
        confidence: `A` to `D`.

    Source: SAM_V interface document, table of SW3; 37 and 3F: a maker's page for one reader.
    """

    meaning_zh: str
    meaning_en: str
    advice_zh: str
    advice_en: str
    confidence: str

    # fmt: off
    DONE = (0x90, "操作成功", "done", "", "", "A")
    CARD_FOUND = (0x9F, "寻找证/卡成功", "card found", "", "", "A")
    NO_CONTENT = (0x91, "证/卡中此项无内容", "the card has no such item", "", "", "B")
    BAD_CHECK = (
        0x10, "接收业务终端数据的校验和错", "check byte of the received frame wrong",
        "请检查连接线和波特率后重试。", "Check cable and line speed, then try again.", "A",
    )
    BAD_LENGTH = (
        0x11, "接收业务终端数据的长度错", "length of the received frame wrong",
        "请检查连接线和波特率后重试。", "Check cable and line speed, then try again.", "A",
    )
    BAD_COMMAND = (
        0x21, "接收业务终端的命令错误", "command or parameter not known",
        "此阅读器不支持该功能，请换用其他阅读器。",
        "Use another reader: this one does not know the command.", "A",
    )
    NO_PERMISSION = (
        0x23, "越权操作", "no permission for the command",
        "请联系阅读器供应商。", "Ask the supplier of the reader for the permission.", "A",
    )
    UNKNOWN_ERROR = (
        0x24, "无法识别的错误", "error that the reader cannot name",
        "请取走证件，重新放置后再试。", "Lift the card, lay it down again and try once more.", "B",
    )
    CARD_REFUSED_SAM = (
        0x31, "证/卡认证SAM_V失败", "the card did not accept the reader's SAM",
        "请重新放置证件；仍失败时请换用其他阅读器。",
        "Lay the card down again; if it fails again, use another reader.", "A",
    )
    SAM_REFUSED_CARD = (
        0x32, "SAM_V认证证/卡失败", "the reader's SAM did not accept the card",
        "请重新放置证件；仍失败时请用其他方式核实证件。",
        "Lay the card down again; if it fails again, check the card by other means.", "A",
    )
    INFORMATION_CHECK_FAILED = (
        0x33, "信息验证错误", "the check of the card's information failed",
        "请重新放置证件；仍失败时请用其他方式核实证件。",
        "Lay the card down again; if it fails again, check the card by other means.", "A",
    )
    FINGERPRINT_CHECK_FAILED = (
        0x37, "指纹信息验证错误", "the check of the fingerprint information failed",
        "请重新放置证件；仍失败时请用其他方式核实证件。",
        "Lay the card down again; if it fails again, check the card by other means.", "C",
    )
    INFORMATION_LENGTH_WRONG = (
        0x3F, "信息长度错误", "length of the card's information wrong",
        "请取走证件，重新放置后再试。", "Lift the card, lay it down again and try once more.", "C",
    )
    UNKNOWN_CARD_TYPE = (
        0x40, "无法识别的证/卡类型", "card type not recognised",
        "请确认所放证件的种类。", "Make sure that the card is an identity card or residence permit.", "A",
    )
    READ_FAILED = (
        0x41, "读证/卡操作失败", "reading the card failed",
        "请取走证件，重新放置后再试。", "Lift the card, lay it down again and leave it there.", "A",
    )
    RANDOM_NUMBER_FAILED = (
        0x47, "取随机数失败", "getting a random number failed",
        "请取走证件，重新放置后再试。", "Lift the card, lay it down again and try once more.", "A",
    )
    SELF_TEST_FAILED = (
        0x60, "SAM_V自检失败", "self test of the SAM failed",
        "请重新接通阅读器电源；仍失败时请送修。",
        "Switch the reader off and on; if it fails again, have it repaired.", "A",
    )
    SAM_NOT_AUTHORISED = (
        0x66, "SAM_V没经过授权", "the SAM is not authorised",
        "请联系阅读器供应商办理授权。", "Ask the supplier of the reader to have its SAM authorised.", "A",
    )
    NO_CARD = (
        0x80, "寻找证/卡失败", "no card found",
        "请放置证件；如已放置，请取走后重新放置。",
        "Lay a card down; if one lies there, lift it and lay it down again.", "A",
    )
    SELECT_FAILED = (
        0x81, "选取证/卡失败", "selecting the card failed",
        "请取走证件，重新放置后再试。", "Lift the card, lay it down again and leave it there.", "A",
    )
    # fmt: on

    def __new__(cls, value: int, *texts: str) -> Self:
        """Builds one row of the table."""
        status = int.__new__(cls, value)
        status._describe(value, *texts)
        return status

    def _describe(self, value: int, zh: str, en: str, advice_zh: str, advice_en: str, confidence: str) -> None:
        self._value_ = value
        self.meaning_zh, self.meaning_en = zh, en
        self.advice_zh, self.advice_en = advice_zh, advice_en
        self.confidence = confidence

    @classmethod
    def of(cls, value: int) -> Status:
        """Gives the status of a byte; one outside the table keeps its number.

        Args:
            value: SW3, 0–255.

        Raises:
            LocalWireError: `value` is not a byte.

        >>> Status.of(0x90) is Status.DONE, Status.of(0x55).name, Status.of(0x55).value
        (True, 'UNKNOWN_55', 85)
        """
        known = _STATUSES.get(value)
        if known is not None:
            return known
        if not 0 <= value <= 0xFF:
            raise LocalWireError(f"SW3: expected a byte, 0-255, found {value}")
        # An enumeration makes no members once it stands, so this one is made beside it.
        unknown = int.__new__(cls, value)
        unknown._describe(value, *_UNKNOWN_TEXTS)
        unknown._name_ = f"UNKNOWN_{value:02X}"
        # The same object each time, so that `is` tells the truth for unknown bytes, too; at most 256 entries.
        return _STATUSES.setdefault(value, unknown)

    @classmethod
    def _missing_(cls, value: object) -> Status | None:
        return cls.of(value) if isinstance(value, int) and 0 <= value <= 0xFF else None

    def __reduce_ex__(self, protocol: object) -> tuple[type[Status], tuple[int]]:
        # By value: an enumeration would look for the name, which an unknown status has not in the table.
        return type(self), (self.value,)

    @property
    def known(self) -> bool:
        """Whether the status stands in the table."""
        return self.name in type(self).__members__


_STATUSES: Final[dict[int, Status]] = {status.value: status for status in Status}
_UNKNOWN_TEXTS: Final = (
    "未知状态",
    "status that is in no table",
    "请取走证件，重新放置后再试。",
    "Lift the card, lay it down again and try once more.",
    "D",
)
_SUCCESSES: Final = frozenset({Status.DONE, Status.CARD_FOUND})


_NO_DATA: Final = (Status.DONE, (0,), ())


@unique
class Command(Enum):
    """CMD and PARA of a request; the value of a member is those two bytes.

    A row is: the two bytes in hex, meaning in Chinese and English, what its one data byte may be (None: it
    has no data), success status, data lengths that a success reply may have, other statuses, longest wait,
    confidence.

    Attributes:
        meaning_zh: Meaning in Chinese.
        meaning_en: Meaning in English.
        argument: Values that the one data byte of the request may have; None when the request has no data.
        success: The status of a good reply.
        reply_lengths: Data lengths in bytes, without SW1–SW3, that a good reply may have. No reply is ever
            longer: host programs with fixed buffers overflow.
        refusals: Further statuses that are peculiar to the command; any command may also be answered with a
            frame, command or permission error.
        timeout_s: Longest sensible wait for the whole reply in seconds, at 115200 baud.
        confidence: `A` to `D`.

    Source: SAM_V interface document; `READ_EXTRA`, `READ_MANAGEMENT`, speeds and RF length: public host
    programs.
    """

    meaning_zh: str
    meaning_en: str
    argument: range | None
    success: Status
    reply_lengths: tuple[int, ...]
    refusals: tuple[Status, ...]
    timeout_s: float
    confidence: str

    # fmt: off
    RESET_SAM = (
        "10FF", "复位SAM_V", "reset the SAM", None,
        Status.DONE, (0,), (Status.SELF_TEST_FAILED,), 0.6, "A",
    )
    SAM_STATUS = (
        "11FF", "SAM_V状态检测", "ask whether the SAM is ready", None,
        Status.DONE, (0,), (Status.SELF_TEST_FAILED, Status.SAM_NOT_AUTHORISED), 0.6, "A",
    )
    SAM_ID = (
        "12FF", "读SAM_V管理信息", "read the SAM id", None,
        Status.DONE, (16,), (Status.SELF_TEST_FAILED,), 0.6, "A",
    )
    FIND_CARD = (
        "2001", "寻找证/卡", "find a card", None,
        Status.CARD_FOUND, (4,), (Status.NO_CARD,), 1.0, "A",
    )
    SELECT_CARD = (
        "2002", "选取证/卡", "select the card", None,
        Status.DONE, (8,), (Status.SELECT_FAILED,), 1.0, "A",
    )
    READ_TEXT_PHOTO = (
        "3001", "读机读文字和照片信息", "read text and photo", None,
        Status.DONE, (1284,),
        (
            Status.READ_FAILED, Status.CARD_REFUSED_SAM, Status.SAM_REFUSED_CARD,
            Status.INFORMATION_CHECK_FAILED, Status.UNKNOWN_CARD_TYPE,
        ), 3.0, "A",
    )
    READ_TEXT_PHOTO_FINGERPRINT = (
        "3010", "读机读文字、照片和指纹信息", "read text, photo and fingerprint", None,
        Status.DONE, (1286, 1798, 2310),
        (
            Status.READ_FAILED, Status.CARD_REFUSED_SAM, Status.SAM_REFUSED_CARD,
            Status.INFORMATION_CHECK_FAILED, Status.FINGERPRINT_CHECK_FAILED, Status.UNKNOWN_CARD_TYPE,
        ), 3.0, "A",
    )
    READ_EXTRA = (
        "3003", "读追加地址信息", "read the additional addresses", None,
        Status.DONE, (70, 140, 210, 280), (Status.NO_CONTENT, Status.READ_FAILED), 1.5, "B",
    )
    READ_MANAGEMENT = (
        "3005", "读证/卡管理号", "read the card management numbers", None,
        Status.DONE, (28,), (Status.READ_FAILED,), 1.5, "B",
    )
    SET_BAUD_115200 = ("6000", "设置波特率115200", "set the line to 115200 baud", None, *_NO_DATA, 0.6, "B")
    SET_BAUD_57600 = ("6001", "设置波特率57600", "set the line to 57600 baud", None, *_NO_DATA, 0.6, "B")
    SET_BAUD_38400 = ("6002", "设置波特率38400", "set the line to 38400 baud", None, *_NO_DATA, 0.6, "B")
    SET_BAUD_19200 = ("6003", "设置波特率19200", "set the line to 19200 baud", None, *_NO_DATA, 0.6, "B")
    SET_BAUD_9600 = ("6004", "设置波特率9600", "set the line to 9600 baud", None, *_NO_DATA, 0.6, "B")
    SET_MAX_RF_BYTES = (
        "61FF", "设置射频帧最大字节数", "set the most bytes of an RF frame", range(24, 256),
        *_NO_DATA, 0.6, "B",
    )
    # fmt: on

    def __new__(
        cls,
        code: str,
        meaning_zh: str,
        meaning_en: str,
        argument: range | None,
        success: Status,
        reply_lengths: tuple[int, ...],
        refusals: tuple[Status, ...],
        timeout_s: float,
        confidence: str,
    ) -> Self:
        """Builds one row of the table."""
        command = object.__new__(cls)
        command._value_ = bytes.fromhex(code)
        command.meaning_zh, command.meaning_en = meaning_zh, meaning_en
        command.argument = argument
        command.success, command.reply_lengths, command.refusals = success, reply_lengths, refusals
        command.timeout_s = timeout_s
        command.confidence = confidence
        return command

    @classmethod
    def of(cls, code: bytes) -> Command | None:
        """Gives the command of two bytes CMD PARA; None when no such command is known."""
        return _COMMANDS.get(code)

    @property
    def request_length_bytes(self) -> int:
        """Data bytes after PARA that a request has: 0 or 1."""
        return 0 if self.argument is None else 1

    def may_answer(self, status: Status, length_bytes: int) -> bool:
        """Tells whether a reply with this status and so many data bytes can belong to this command.

        Success has the lengths of the table, and every refusal is empty. A refusal that is not listed for the
        command, or that is not known at all, is possible; the success of another command is not.
        """
        if status is self.success:
            return length_bytes in self.reply_lengths
        return length_bytes == 0 and status not in _SUCCESSES


_COMMANDS: Final[dict[bytes, Command]] = {command.value: command for command in Command}


def describe(body: bytes) -> str:
    """Says in words what the body of a frame asks or answers; holds no data of the frame.

    A body that is a request of the table is taken for one, any other of three bytes or more for a reply.

    Args:
        body: What stands between LEN and CHK, 2 bytes or more.

    >>> describe(bytes.fromhex("2001")), describe(bytes.fromhex("000080"))
    ('request FIND_CARD: find a card', 'reply 80: no card found')
    """
    command = Command.of(body[:2])
    if command is not None and len(body) == 2 + command.request_length_bytes:
        return f"request {command.name}: {command.meaning_en}"
    if len(body) < 3:
        return f"request {body.hex().upper()}: a command that is in no table"
    status, length_bytes = Status.of(body[2]), len(body) - 3
    data = f", {length_bytes} data bytes" if length_bytes else ""
    return f"reply {status.value:02X}: {status.meaning_en}{data}"


_ZONE_LENGTHS: Final = (("text", (256,)), ("photo", (1024,)), ("fingerprint", (0, 512, 1024)))
_ZONE_COUNT: Final = {Command.READ_TEXT_PHOTO: 2, Command.READ_TEXT_PHOTO_FINGERPRINT: 3}


class ReadZones(NamedTuple):
    """The zones in the reply to a read command, not decoded.

    Attributes:
        text: 256 bytes.
        photo: 1024 bytes.
        fingerprint: 0, 512 or 1024 bytes; b"" when it was not asked for.
    """

    text: bytes
    photo: bytes
    fingerprint: bytes = b""


def split_read_reply(data: bytes, command: Command) -> ReadZones:
    """Splits the data of a good reply to a read command into its zones.

    Args:
        data: Everything behind SW3: two bytes of length, big-endian, for each zone, then the zones.
        command: `READ_TEXT_PHOTO` or `READ_TEXT_PHOTO_FINGERPRINT`.

    Raises:
        RemoteWireError: a zone length is not one of the table, or `data` is shorter or longer than the
            lengths say.
        LocalWireError: `command` reads no zones.

    Source: SAM_V interface document, replies to 30 01 and 30 10.
    """
    count = _zone_count(command)
    at = 2 * count
    if len(data) < at:
        raise RemoteWireError(f"zone lengths at byte 0: expected {at} bytes, found {len(data)}; read the card again")
    zones = []
    for number, (name, allowed) in enumerate(_ZONE_LENGTHS[:count]):
        length = int.from_bytes(data[2 * number : 2 * number + 2], "big")
        if length not in allowed:
            raise RemoteWireError(
                f"length of the {name} zone at byte {2 * number}: expected {_either(allowed)}, "
                f"found {length}; read the card again"
            )
        zones.append(data[at : at + length])
        at += length
    if len(data) != at:
        raise RemoteWireError(f"zones: expected {at} bytes with their lengths, found {len(data)}; read the card again")
    return ReadZones(*zones)


def join_read_reply(zones: ReadZones, command: Command) -> bytes:
    """Builds the data of a good reply to a read command; what `split_read_reply` takes apart.

    Args:
        zones: The zones; the fingerprint is left out when `command` does not ask for it.
        command: `READ_TEXT_PHOTO` or `READ_TEXT_PHOTO_FINGERPRINT`.

    Raises:
        LocalWireError: a zone has a length that is not in the table, or `command` reads no zones.
    """
    wanted = zones[: _zone_count(command)]
    for zone, (name, allowed) in zip(wanted, _ZONE_LENGTHS, strict=False):
        if len(zone) not in allowed:
            raise LocalWireError(f"{name} zone: expected {_either(allowed)} bytes, found {len(zone)}")
    return b"".join(len(zone).to_bytes(2, "big") for zone in wanted) + b"".join(wanted)


def _zone_count(command: Command) -> int:
    count = _ZONE_COUNT.get(command)
    if count is None:
        raise LocalWireError(f"expected a command that reads zones, found {command.name}")
    return count


def _either(lengths: tuple[int, ...]) -> str:
    return " or ".join(str(length) for length in lengths)
