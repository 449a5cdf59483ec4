"""What `read`, `verify` and `demo` share: judge a card, and show record, verdict and provenance."""

from __future__ import annotations

import functools
import os
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.acceptance.as_of import CHINA, china_day
from prcard.acceptance.masking import check_fields, mask_document
from prcard.acceptance.outside import NOTHING_ASKED
from prcard.acceptance.render import render, render_line
from prcard.acceptance.verdict import Outcome
from prcard.acceptance.verify import verify
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import RecordError
from prcard.record import decode, explain, to_document
from prcard.record.capture import management_document, provenance_document
from prcard.record.extra import addresses
from prcard.store.profiles import load_profile, profile_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.acceptance.outside import Outside
    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial

__all__ = ["CHINA_OFFSET_NOTE", "Judged", "Judging", "Moment", "judging_options", "known_profile", "language", "now"]

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
        *,
        outside: Outside = NOTHING_ASKED,
        now: datetime | None = None,
    ) -> None:
        """Judges at once; the record is masked by the profile's level, less the fields in `show`.

        Raises:
            RecordError: `show` names a field that the record has not, or that the profile does not show.
        """
        self.raw = raw
        self.profile = profile
        self._show = show
        self.verdict: Verdict = verify(raw, profile, at, trust, outside=outside, now=now)
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
        asked = name in self._show or "all" in self._show
        return value if asked and self.profile.shows(name) else "******"

    def print_text(self, lang: str) -> None:
        """Prints record and verdict for people."""
        rows = self._rows(lang)
        if rows:
            width = max(_columns(label) for label, _, _ in rows)
            for label, _, value in rows:
                say(f"  {label}{' ' * (width - _columns(label))}  {value}")
            for name, value in self._additions().items():
                say(f"  {name}: {value}")
            say()
        for line in render(self.verdict, lang):
            say(line)

    def page(self) -> str:
        """The report as one HTML file, with the fields that the profile lets be printed."""
        from prcard.acceptance.page import verdict_page

        english = {name: label for label, name, _ in self._rows("en")}
        rows = [
            (f"{label} {english[name]}", value) for label, name, value in self._rows("zh") if self.profile.prints(name)
        ]
        return verdict_page(self.verdict, self.profile, rows)

    def _rows(self, lang: str) -> list[tuple[str, str, str]]:
        """Label, name and value of each field that has a value."""
        if self.record is None:
            return []
        labels = {view.name: view.zh if lang == "zh" else view.en for view in explain(self.raw.text)}
        layout = "证件类型" if lang == "zh" else "Layout"
        return [(labels.get(name, layout), name, value) for name, value in self.record.items() if value]


def _masked(raw: RawCard, profile: Profile, show: Collection[str]) -> dict[str, Any] | None:
    try:
        document = to_document(decode(raw.text))
    except RecordError:
        return None
    return mask_document(document, profile.mask_level, show, profile.may_show)


def _columns(text: str) -> int:
    """Columns that `text` takes on a terminal: an ideograph takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What a judging command was asked for.

    Attributes:
        profile: By which profile, of the day that is judged.
        at: As of which moment.
        present: The present moment when `at` is an earlier one.
        trust: Certificates and lists.
        show: Fields to show unmasked.
        lang: Language of the texts.
        form: `json`, `text`, `line` or `html`.
        audit: Log to write the verdict to.
        audit_key: Its key file.
        who: Who judges.
        where: At which counter.
        keep: Folder in which to keep what the profile lets be kept of a card that passes.
    """

    profile: Profile
    at: datetime
    present: datetime | None
    trust: TrustMaterial | None
    show: tuple[str, ...]
    lang: str
    form: str
    audit: Path | None
    audit_key: Path | None
    who: str
    where: str
    keep: Path | None

    @property
    def as_json(self) -> bool:
        """True when one JSON document is to be printed and nothing is to be said beside it."""
        return self.form == "json"

    def finish(self, raw: RawCard) -> int:
        """Judges a card, writes the audit entry, then prints; gives the exit code.

        Raises:
            AuditError: the entry could not be written; then no verdict is shown, since it would be one without a trace.
        """
        judged = Judged(raw, self.profile, self.at, self.show, self.trust, now=self.present)
        if self.audit is not None:
            from prcard.store.audit import AuditLog
            from prcard.store.audit_keys import ensure_keys

            keys = ensure_keys(self.audit_key or self.audit.with_name(f"{self.audit.name}.key"))
            AuditLog(self.audit, keys).record(judged.verdict, raw, at=now(), who=self.who, where=self.where)
        if self.keep is not None:
            self._keep(judged, self.keep)
        if self.form == "json":
            print_json(judged.document())
        elif self.form == "line":
            say(render_line(judged.verdict))
        elif self.form == "html":
            say(judged.page().rstrip("\n"))
        else:
            judged.print_text(self.lang)
        return judged.exit_code

    def _keep(self, judged: Judged, folder: Path) -> None:
        """Keeps the card when it passes; says so, or why not, beside the output."""
        if judged.verdict.outcome is not Outcome.PASSED:
            click.echo("Nothing is kept of a card that does not pass.", err=True)
            return
        from prcard.store.retention import keep_card

        kept = keep_card(folder, judged.raw, self.profile, china_day(now()))
        click.echo(f"Kept as {kept.record_id}: {', '.join(kept.fields)}.", err=True)


class Moment(click.ParamType[datetime]):
    """An ISO 8601 date or moment; a moment without offset and a date alone are read as China time (UTC+8)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Gives an aware moment."""
        if isinstance(value, datetime):
            return value
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


def known_profile(name: str, at: datetime | None = None) -> Profile:
    """Loads a profile, before a card is asked for; a name that is none is wrong usage, a bad file is malformed.

    Args:
        name: A name or a file.
        at: The moment whose version is wanted; None for that of today.
    """
    if not name.endswith(".toml") and name not in profile_names():
        raise click.BadParameter(
            f"{name!r} is none of {', '.join(profile_names())}, nor a .toml file", param_hint="--profile"
        )
    return load_profile(name, None if at is None else china_day(at))


def loaded_trust(_: click.Context, __: click.Parameter, folder: Path | None) -> TrustMaterial | None:
    """Loads the trust folder that `--trust` names; None without one."""
    """Loads the trust folder of an option, before a card is asked for."""
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


def _judging(
    *,
    profile: str,
    at: datetime | None,
    sam_allow: tuple[str, ...],
    show: tuple[str, ...],
    as_json: bool,
    form: str,
    lang: str | None,
    **others: Any,
) -> Judging:
    """Joins the options; what contradicts the profile is wrong usage."""
    present = now()
    rules = known_profile(profile, at if at is not None and at < present else None)
    hidden = [name for name in show if name != "all" and not rules.shows(name)]
    if hidden:
        allowed = ", ".join(rules.may_show)
        raise click.BadParameter(
            f"profile {rules.name} does not show {', '.join(hidden)}; it shows {allowed}", param_hint="--show"
        )
    return Judging(
        profile=replace(rules, sam_allow_list=(*rules.sam_allow_list, *sam_allow)),
        at=at or present,
        present=present if at is not None and at < present else None,
        show=show,
        lang=language(lang),
        form="json" if as_json else form,
        **others,
    )


_NAMES = (
    *("profile", "at", "trust", "sam_allow", "show", "as_json", "form", "lang"),
    *("audit", "audit_key", "who", "where", "keep"),
)

_OPTIONS = (
    click.option("--profile", default="counter", show_default=True, help="Acceptance profile: a name or a .toml file."),
    click.option("--at", type=Moment(), help=f"Judge as of this moment instead of now. {CHINA_OFFSET_NOTE}"),
    click.option(
        "--trust",
        type=click.Path(path_type=Path, file_okay=False),
        callback=loaded_trust,
        help="Trust folder to verify signatures and revocation by.",
    ),
    click.option(
        "--sam-allow",
        multiple=True,
        metavar="ID",
        help="Register a reader by its printed SAM id for this run; * at the end stands for all that begin so.",
    ),
    click.option(
        "--show",
        multiple=True,
        metavar="FIELD",
        callback=_known_fields,
        help="Show this field unmasked; repeat it, or use 'all'.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option(
        "--form",
        type=click.Choice(["text", "line", "html"]),
        default="text",
        show_default=True,
        help="Print text, one line, or one HTML file with the fields that the profile lets be printed.",
    ),
    click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts."),
    click.option(
        "--audit",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the verdict to this audit log before it is shown; no personal data.",
    ),
    click.option(
        "--audit-key",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Key file of the log; default: the log's name with .key, made when it is not there.",
    ),
    click.option("--who", default="", metavar="ID", help="Who judges, for the audit log."),
    click.option("--where", default="", metavar="PLACE", help="At which counter, for the audit log."),
    click.option(
        "--keep",
        type=click.Path(path_type=Path, file_okay=False),
        help="Keep here, of a card that passes, the fields that the profile lets be kept.",
    ),
)


def judging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that every judging command has; the command gets them as one `judging`."""

    @functools.wraps(command)
    def judge(**options: Any) -> Any:
        chosen = {name: options.pop(name) for name in _NAMES}
        return command(judging=_judging(**chosen), **options)

    for option in reversed(_OPTIONS):
        judge = option(judge)
    return judge
