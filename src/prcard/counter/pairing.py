"""Pairing: a one-time code that a person carries from the counter to a page, against a token that the page keeps.

Only digests of tokens are kept, so that the file from which a restarted service knows its pages gives nobody access. A
token belongs to one origin: another page that gets hold of it cannot use it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from prcard.errors import CaptureError
from prcard.store.captures import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CODE_DIGITS", "CODE_LIFE_S", "MAX_GUESSES", "MAX_TOKENS", "Pairing", "Ticket"]

CODE_DIGITS: Final = 8
CODE_LIFE_S: Final = 300.0
MAX_GUESSES: Final = 5
"""Wrong codes after which every open code is withdrawn: with eight digits, one chance in four million a code."""

MAX_CODES: Final = 8
MAX_TOKENS: Final = 64
TOKEN_LIFE_S: Final = 30 * 24 * 3600.0
_FILE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a token stands for.

    Attributes:
        origin: Origin of the page it was given to; "" for a program.
        name: What the person called it.
        until: End of its life, seconds since 1970.
    """

    origin: str
    name: str
    until: float


class Pairing:
    """Codes and tokens of one counter; every method may be called from any thread.

    Args:
        file: Where digests of tokens are kept over a restart; None keeps them in memory only.
        clock: Seconds since 1970.
    """

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, float] = {}
        self._guesses = 0
        self._tickets = _load(file)

    def new_code(self) -> str:
        """Makes a one-time code of `CODE_DIGITS` digits, good for `CODE_LIFE_S` seconds."""
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        with self._lock:
            self._forget_late()
            while len(self._codes) >= MAX_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[code] = self._clock() + CODE_LIFE_S
            self._guesses = 0
        return code

    def redeem(self, code: str, *, origin: str, name: str) -> str | None:
        """Exchanges a code for a token; a code is good once.

        Returns:
            The token, or None when the code is wrong or late. After `MAX_GUESSES` wrong ones no code is good any more.
        """
        given = "".join(digit for digit in code if digit in "0123456789")
        with self._lock:
            self._forget_late()
            found = next((known for known in self._codes if secrets.compare_digest(known, given)), None)
            if found is None:
                self._guesses += 1
                if self._guesses >= MAX_GUESSES:
                    self._codes.clear()
                return None
            del self._codes[found]
            token = secrets.token_urlsafe(32)
            while len(self._tickets) >= MAX_TOKENS:
                del self._tickets[next(iter(self._tickets))]
            self._tickets[_digest(token)] = Ticket(origin=origin, name=name, until=self._clock() + TOKEN_LIFE_S)
            self._save()
            return token

    def check(self, token: str, origin: str | None) -> Ticket | None:
        """Finds what a token stands for.

        Args:
            token: What the caller shows.
            origin: Origin of the calling page, or None where the browser or program names none.

        Returns:
            None when the token is unknown, late, or of another page.
        """
        with self._lock:
            ticket = self._tickets.get(_digest(token))
        if ticket is None or ticket.until < self._clock() or (origin is not None and origin != ticket.origin):
            return None
        return ticket

    def withdraw(self, token: str) -> bool:
        """Ends a token; False when there was none."""
        with self._lock:
            known = self._tickets.pop(_digest(token), None) is not None
            if known:
                self._save()
            return known

    def names(self) -> list[Ticket]:
        """What is paired now."""
        with self._lock:
            return [ticket for ticket in self._tickets.values() if ticket.until >= self._clock()]

    def _forget_late(self) -> None:
        now = self._clock()
        self._codes = {code: until for code, until in self._codes.items() if until >= now}
        self._tickets = {digest: ticket for digest, ticket in self._tickets.items() if ticket.until >= now}

    def _save(self) -> None:
        if self._file is not None:
            document = {digest: asdict(ticket) for digest, ticket in self._tickets.items()}
            # Where it cannot be written, tokens are good until the service ends; then pages pair anew.
            with contextlib.suppress(CaptureError):
                write_whole(self._file, json.dumps(document, indent=1).encode())


def _digest(token: str) -> str:
    # The token has 256 random bits: nothing to guess, so that a plain hash hides it.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _load(file: Path | None) -> dict[str, Ticket]:
    """Reads the digests; a file that is damaged or not there means that every page must pair anew."""
    if file is None:
        return {}
    try:
        with file.open("rb") as opened:
            document = json.loads(opened.read(_FILE_BYTES))
        return {
            str(digest): Ticket(origin=str(entry["origin"]), name=str(entry["name"]), until=float(entry["until"]))
            for digest, entry in document.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
