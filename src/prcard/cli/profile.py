"""`prcard profile`: acceptance profiles, built in and one's own."""

from __future__ import annotations

import tomllib
from typing import Any

import click

from prcard.acceptance.as_of import china_day
from prcard.acceptance.describe import profile_document, profile_lines, profile_remarks
from prcard.acceptance.entry import enter_record
from prcard.acceptance.profile import NO_LEGAL_ADVICE, parse_profile
from prcard.cli.judging import Moment, known_profile, language, now
from prcard.cli.output import print_json, read_input, say, write_bytes
from prcard.errors import ProfileError
from prcard.record import decode
from prcard.record.capture import load_capture
from prcard.store.profiles import load_profile, profile_names, profile_text, profile_versions

__all__ = ["command"]

_LANG = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("profile")
def command() -> None:
    """List, show and check acceptance profiles, and enter a card as a sector does.

    \b
    Example:
      prcard profile show hotel
    """


@command.command("list")
@_LANG
@_JSON
def list_profiles(*, lang: str | None, as_json: bool) -> None:
    """List the built-in profiles.

    \b
    Example:
      prcard profile list
    """
    profiles = [load_profile(name) for name in profile_names()]
    if as_json:
        rows = [
            {
                "name": profile.name,
                "title_zh": profile.title_zh,
                "title_en": profile.title_en,
                "version": profile.version,
                "applies_from": profile.applies_from,
                "older": [older.applies_from for older in profile_versions(profile.name)],
                "reviewed_by": profile.reviewed_by,
            }
            for profile in profiles
        ]
        print_json(
            {"profiles": rows, "no_legal_advice_zh": NO_LEGAL_ADVICE[0], "no_legal_advice_en": NO_LEGAL_ADVICE[1]}
        )
        return
    zh = language(lang) == "zh"
    width = max(len(profile.name) for profile in profiles)
    for profile in profiles:
        say(f"{profile.name:{width}}  {profile.title_zh if zh else profile.title_en}")
    say(NO_LEGAL_ADVICE[0 if zh else 1])


@command.command("show")
@click.argument("name")
@click.option("--at", type=Moment(), help="Show the version of this day instead of today's.")
@click.option("--toml", is_flag=True, help="Print the file itself, to copy and change.")
@_LANG
@_JSON
def show(*, name: str, at: Any, toml: bool, lang: str | None, as_json: bool) -> None:
    """Show a profile: what it asks, shows, keeps and rests on, and what is unconfirmed.

    NAME is a built-in profile or a .toml file.

    \b
    Example:
      prcard profile show bank --toml > my-bank.toml
    """
    profile = known_profile(name, at)
    if toml:
        write_bytes(profile_text(name).encode())
    elif as_json:
        print_json({"profile": profile_document(profile)})
    else:
        for line in profile_lines(profile, language(lang)):
            say(line)


@command.command("check")
@click.argument("file")
@_LANG
@_JSON
def check(*, file: str, lang: str | None, as_json: bool) -> None:
    """Check a profile file and explain it: every error at once, then what a reviewer should look at.

    FILE is a .toml file, or - for stdin. Exit code 5 when it is refused.

    \b
    Example:
      prcard profile check my-bank.toml
    """
    try:
        text = read_input(file).decode()
    except UnicodeDecodeError as error:
        raise ProfileError(f"profile: {file}: expected UTF-8 text, found other bytes; save it as UTF-8") from error
    profile = parse_profile(text)
    remarks = profile_remarks(profile, tomllib.loads(text).keys(), china_day(now()))
    if as_json:
        print_json(
            {
                "valid": True,
                "remarks": [{"zh": zh, "en": en} for zh, en in remarks],
                "profile": profile_document(profile),
            }
        )
        return
    chosen = language(lang)
    for line in profile_lines(profile, chosen):
        say(line)
    say()
    say("格式正确。请审阅：" if chosen == "zh" else "The form is in order. To review:")
    for zh, en in remarks:
        say(f"  - {zh if chosen == 'zh' else en}")


@command.command("enter")
@click.argument("file")
@click.option("--profile", "name", required=True, help="The sector: a name or a .toml file.")
@_JSON
def enter(*, file: str, name: str, as_json: bool) -> None:
    """Give a card's fields as the sector enters them into its forms, unmasked.

    FILE is a capture, or - for stdin. Only fields that the profile shows are given.

    \b
    Example:
      prcard profile enter card.capture.json --profile hotel
    """
    profile = known_profile(name)
    fields, remarks = enter_record(decode(load_capture(read_input(file)).text), profile)
    codes = [
        {"code": code.code, "used_in": code.used_in, "confirmed": code.confirmed} for code in profile.document_codes
    ]
    if as_json:
        print_json({"profile": profile.name, "fields": fields, "remarks": remarks, "document_codes": codes})
        return
    width = max(map(len, fields), default=0)
    for field, value in fields.items():
        say(f"{field:{width}}  {value}")
    for code in profile.document_codes:
        say(f"document type {code.code} ({code.used_in}{'' if code.confirmed else '; not confirmed'})")
    for remark in remarks:
        say(f"look: {remark}")
