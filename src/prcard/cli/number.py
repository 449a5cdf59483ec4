"""`prcard number`: card numbers of all kinds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import NumberError
from prcard.record.numbers import (
    CardNumber,
    HKMTNumber,
    NumberMatchVerdict,
    PR15Number,
    PR18Number,
    ResidentNumber,
    match_numbers,
    parse_number,
    unknown_parts,
)

__all__ = ["command"]


@click.group("number")
def command() -> None:
    """Check, link, make and migrate card numbers.

    \b
    Example:
      prcard number check 911124198108030024
    """


@command.command("check")
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(*, number: str, as_json: bool) -> int:
    """Tell scheme, parts and whether the check character is right.

    Exit code 0 for a number of the right form with the right check character, 1 for any other text. A province or
    country that is in no table is remarked, not refused: tables go stale.

    \b
    Example:
      prcard number check PAK310080010103 --json
    """
    try:
        parsed = parse_number(number)
    except NumberError as error:
        return _print_check(
            {"valid": False, "scheme": None, "parts": {}, "problem": str(error), "remarks": []}, as_json=as_json
        )
    problem = None
    try:
        parsed.check()
    except NumberError as error:
        problem = str(error)
    document = {
        "valid": problem is None,
        "scheme": parsed.scheme,
        "parts": parsed.parts(),
        "problem": problem,
        "remarks": unknown_parts(parsed),
    }
    return _print_check(document, as_json=as_json)


def _print_check(document: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(document)
    else:
        say(f"{'valid' if document['valid'] else 'INVALID'}  {document['scheme'] or 'no known scheme'}")
        for name, value in document["parts"].items():
            say(f"  {name}: {value}")
        for remark in document["remarks"]:
            say(f"  not in the tables: {remark}")
        if document["problem"]:
            say(f"  {document['problem']}")
    return ExitCode.DONE if document["valid"] else ExitCode.FAILED


@command.command("link")
@click.argument("old")
@click.argument("new")
@click.option("--link", metavar="DDD", help="Association item of the new card: three digits.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def link(*, old: str, new: str, link: str | None, as_json: bool) -> int:
    """Tell whether a 15-character and an 18-digit number can belong to one person.

    Exit code 0 for a match, 1 for none, 3 when the numbers agree but only the association item could prove it.

    \b
    Example:
      prcard number link PAK310080010103 931586198001010028 --link 000
    """
    match = match_numbers(PR15Number.parse(old), PR18Number.parse(new), link=link)
    if as_json:
        print_json({"verdict": match.verdict.value, "reasons": list(match.reasons)})
    else:
        say(match.verdict.value)
        for reason in match.reasons:
            say(f"  {reason}")
    return {
        NumberMatchVerdict.MATCH: ExitCode.DONE,
        NumberMatchVerdict.POSSIBLE: ExitCode.INDETERMINATE,
        NumberMatchVerdict.NO_MATCH: ExitCode.FAILED,
    }[match.verdict]


@command.command("make")
@click.option(
    "--scheme", type=click.Choice(["resident", "hkmt", "pr15", "pr18"]), required=True, help="Kind of number."
)
@click.option("--birth", metavar="YYYY-MM-DD", required=True, help="Date of birth.")
@click.option("--sequence", required=True, help="Three digits; one for pr15.")
@click.option("--region", help="Six digits (resident, hkmt), four (pr15) or two (pr18).")
@click.option("--nationality", help="Three letters (pr15) or three digits (pr18).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def make(*, scheme: str, birth: str, sequence: str, region: str | None, nationality: str | None, as_json: bool) -> None:
    """Make a number with the right check character, for tests and specimens.

    \b
    Example:
      prcard number make --scheme pr18 --region 11 --nationality 124 --birth 1985-04-12 --sequence 002
    """
    try:
        born = date.fromisoformat(birth)
    except ValueError as error:
        raise click.BadParameter("write it as YYYY-MM-DD", param_hint="--birth") from error
    number = _build(scheme, born, sequence, region or "", nationality or "")
    if as_json:
        print_json({"number": number.text, "scheme": number.scheme, "parts": number.parts()})
    else:
        say(number.text)


def _build(scheme: str, born: date, sequence: str, region: str, nationality: str) -> CardNumber:
    if scheme == "resident":
        return ResidentNumber.build(region=region, birth_date=born, sequence=sequence)
    if scheme == "hkmt":
        return HKMTNumber.build(region=region, birth_date=born, sequence=sequence)
    if scheme == "pr15":
        return PR15Number.build(nationality=nationality, region=region, birth=born, sequence=sequence)
    return PR18Number.build(province=region, nationality_numeric=nationality, birth_date=born, sequence=sequence)


@command.command("migrate")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--cards",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CSV of new cards with new_number, nationality and link, to look old numbers up in.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the CSV; default: stdout."
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Of the CSV files, for instance gb18030.")
@click.option(
    "--column",
    "renamed",
    multiple=True,
    metavar="OURS=YOURS",
    help="Your name of a column, for instance old_number=id_no; repeat it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document; needs --output.")
def migrate(
    *, file: Path, cards: Path | None, output: Path | None, encoding: str, renamed: tuple[str, ...], as_json: bool
) -> int:
    """Find the 18-digit successors of 15-character numbers in a CSV file.

    The columns are old_number, new_number, nationality and link (the association item of the new card); what is blank
    is not known. Every row is written again with migration_status, migration_old, migration_new and migration_reasons.
    Nothing is guessed: only the association item makes a match. Exit code 0 when every row matched, 3 when some are
    open, 1 when some are wrong.

    \b
    Example:
      prcard number migrate customers.csv --cards cards.csv --output migrated.csv
    """
    if as_json and output is None:
        raise click.BadParameter("give --output too: stdout takes one document only", param_hint="--json")
    from prcard.cli.migration import Table, run_migration

    table = Table(file, encoding, renamed)
    counts = run_migration(table, None if cards is None else Table(cards, encoding, renamed), output)
    if as_json:
        print_json({"rows": sum(counts.values()), **counts})
    else:
        click.echo(f"{sum(counts.values())} rows: {', '.join(f'{k} {n}' for k, n in counts.items() if n)}", err=True)
    if counts["no-match"] or counts["conflict"] or counts["error"]:
        return ExitCode.FAILED
    return ExitCode.INDETERMINATE if counts["possible"] or counts["not-found"] else ExitCode.DONE
