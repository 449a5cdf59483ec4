"""What `read`, `verify` and `demo` share: judge a card, and show record, verdict and provenance."""

from __future__ import annotations

import os
import unicodedata
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.acceptance.masking import check_fields, mask_document
from prcard.acceptance.render import render
from prcard.acceptance.verdict import Outcome
from prcard.acceptance.verify import verify
from prcard.cli.main import ExitCode
from prcard.cli.output import say
from prcard.errors import RecordError
from prcard.record import decode, explain, to_document
from prcard.record.capture import management_document, provenance_document
from prcard.record.extra import addresses
from prcard.store.profiles import load_profile, profile_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial

__all__ = ["CHINA_OFFSET_NOTE", "Judged", "Moment", "judging_options", "language"]

CHINA_OFFSET_NOTE = "A date alone means noon of that day in China."

_EXIT = {
    Outcome.PASSED: ExitCode.DONE,
    Outcome.FAILED: ExitCode.FAILED,
    Outcome.INDETERMINATE: ExitCode.INDETERMINATE,
}


class Judged:
    """One card with its verdict under one profile at one moment."""

    def __init__(
        self,
        raw: RawCard,
        profile: Profile,
        at: datetime,
        show: Collection[str] = (),
        trust: TrustMaterial | None = None,
    ) -> None:
        """Judges at once; the record is masked by the profile's level, less the fields in `show`.

        Raises:
            RecordError: `show` names a field that the record has not.
        """
        self.raw = raw
        self._show = show
        self.verdict: Verdict = verify(raw, profile, at, trust)
        self.record = _masked(raw, profile, show)

    @property
    def exit_code(self) -> ExitCode:
        """0, 1 or 3 by the outcome."""
        return _EXIT[self.verdict.outcome]

    def document(self) -> dict[str, Any]:
        """The JSON form: record (null when it does not decode), verdict, provenance, and what else was read."""
        document = {
            "record": self.record,
            "verdict": self.verdict.to_document(),
            "provenance": provenance_document(self.raw.provenance),
        }
        return document | self._additions()

    def _additions(self) -> dict[str, Any]:
        """Additional addresses and management numbers, where there are any; masked as fields of these names."""
        found: dict[str, Any] = {}
        if self.raw.extra:
            found["extra"] = [self._masked("extra", text) for text in addresses(self.raw.extra)]
        if (numbers := management_document(self.raw.management)) is not None:
            found["management"] = {name: self._masked("management", value) for name, value in numbers.items()}
        return found

    def _masked(self, name: str, value: str) -> str:
        return value if name in self._show or "all" in self._show else "******"

    def print_text(self, lang: str) -> None:
        """Prints record and verdict for people."""
        if self.record is not None:
            labels = {view.name: view.zh if lang == "zh" else view.en for view in explain(self.raw.text)}
            rows = [
                (labels.get(name, "证件类型" if lang == "zh" else "Layout"), v) for name, v in self.record.items() if v
            ]
            width = max(_columns(label) for label, _ in rows)
            for label, value in rows:
                say(f"  {label}{' ' * (width - _columns(label))}  {value}")
            for name, value in self._additions().items():
                say(f"  {name}: {value}")
            say()
        for line in render(self.verdict, lang):
            say(line)


def _masked(raw: RawCard, profile: Profile, show: Collection[str]) -> dict[str, Any] | None:
    try:
        document = to_document(decode(raw.text))
    except RecordError:
        return None
    return mask_document(document, profile.mask_level, show)


def _columns(text: str) -> int:
    """Columns that `text` takes on a terminal: an ideograph takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


class Moment(click.ParamType[datetime]):
    """An ISO 8601 date or moment; a moment without offset and a date alone are read as China time (UTC+8)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Gives an aware moment."""
        if isinstance(value, datetime):
            return value
        from prcard.acceptance.checks import CHINA

        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date or moment; write 2026-01-31 or 2026-01-31T12:00:00+08:00.", param, ctx)
        if len(value) <= 10:
            moment = datetime.combine(moment.date(), time(12))
        return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def language(chosen: str | None) -> str:
    """The language of texts: the one chosen, else Chinese where the environment asks for it, else English."""
    if chosen:
        return chosen
    setting = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if setting.startswith("zh") else "en"


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def known_profile(_: click.Context, __: click.Parameter, name: str) -> Profile:
    """Loads the profile before a card is asked for; a name that is none is wrong usage, a bad file is malformed."""
    if not name.endswith(".toml") and name not in profile_names():
        raise click.BadParameter(f"{name!r} is none of {', '.join(profile_names())}, nor a .toml file")
    return load_profile(name)


def loaded_trust(_: click.Context, __: click.Parameter, folder: Path | None) -> TrustMaterial | None:
    if folder is None:
        return None
    from prcard.store.trust import load_trust

    return load_trust(folder)


def _known_fields(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        check_fields(names)
    except RecordError as error:
        raise click.BadParameter(str(error)) from error
    return names


def judging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that every judging command has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts."),
        click.option(
            "--show",
            multiple=True,
            metavar="FIELD",
            callback=_known_fields,
            help="Show this field unmasked; repeat it, or use 'all'.",
        ),
        click.option(
            "--trust",
            type=click.Path(path_type=Path, file_okay=False),
            callback=loaded_trust,
            help="Trust folder to verify signatures and revocation by.",
        ),
        click.option("--at", type=Moment(), help=f"Judge as of this moment instead of now. {CHINA_OFFSET_NOTE}"),
        click.option(
            "--profile",
            default="counter",
            show_default=True,
            callback=known_profile,
            help="Acceptance profile: a name or a .toml file.",
        ),
    ):
        command = option(command)
    return command
