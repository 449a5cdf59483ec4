"""`prcard specimen`: any number of unmistakably synthetic cards from a seed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import FieldProblem, RecordError
from prcard.record import LAYOUTS, decode, to_document
from prcard.record.capture import dump_capture
from prcard.simulator.defects import DEFECTS
from prcard.simulator.factory import DEFAULT_DAY, MAX_COUNT, Made, make_specimens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["command"]

BATCH: int = 10_000
"""Cards in one group of rows of a Parquet file: what is held in memory at once."""


@click.command("specimen")
@click.option("-n", "count", default=1, show_default=True, type=click.IntRange(0, MAX_COUNT), help="How many.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="The same seed gives the same cards."
)
@click.option(
    "--layout", "layouts", multiple=True, type=click.Choice(LAYOUTS), help="Kind of card; repeat. All if left out."
)
@click.option("--edge-cases", is_flag=True, help="Begin with every edge that breaks software, for each layout.")
@click.option("--defect", type=click.Choice(list(DEFECTS)), metavar="NAME", help="Give every card this defect.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help=f"Day on which they are valid. [default: {DEFAULT_DAY}]")
@click.option("--captures", metavar="DIR", help="Write a capture of each.")
@click.option("--zones", metavar="DIR", help="Write the zones of each, as raw bytes.")
@click.option("--parquet", metavar="FILE", help="Write all to one Parquet file; needs prcard[bulk].")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each card.")
def command(
    *,
    count: int,
    seed: int,
    layouts: tuple[str, ...],
    edge_cases: bool,
    defect: str | None,
    day: Any,
    captures: str | None,
    zones: str | None,
    parquet: str | None,
    as_json: bool,
) -> int:
    """Make specimen cards: people who do not exist, from a seed.

    Every name says SPECIMEN or 样本. Every card passes the checks of its own record, unless --defect asks for a defect;
    docs/reference/specimens.md lists them.

    \b
    Example:
      prcard specimen -n 1000 --seed 7 --layout pr2023 --edge-cases --captures cards/
    """
    made = make_specimens(
        count,
        seed=seed,
        layouts=layouts or LAYOUTS,
        edge_cases=edge_cases,
        defect=defect,
        day=date(day.year, day.month, day.day) if day else DEFAULT_DAY,
    )
    writers: list[Callable[[Made], None]] = []
    if captures is not None:
        writers.append(_capture_writer(_folder(captures)))
    if zones is not None:
        writers.append(_zone_writer(_folder(zones)))
    if as_json:
        writers.append(lambda entry: print_json(_document(entry), compact=True))
    elif not writers and parquet is None:
        writers.append(lambda entry: say(_line(entry)))
    stream = _through(made, writers)
    if parquet is not None:
        _write_parquet(stream, Path(parquet))
    for _ in stream:
        pass
    return ExitCode.DONE


def _through(made: Iterator[Made], writers: list[Callable[[Made], None]]) -> Iterator[Made]:
    for entry in made:
        for write in writers:
            write(entry)
        yield entry


def _record(entry: Made) -> dict[str, str | None] | None:
    """The record's JSON form; None for a defect that does not decode."""
    try:
        return to_document(decode(entry.card.text))
    except RecordError:
        return None


def _document(entry: Made) -> dict[str, Any]:
    return {
        "name": entry.name,
        "layout": entry.layout,
        "shows": entry.shows,
        "record": _record(entry),
        "text": entry.card.text.hex(),
    }


def _line(entry: Made) -> str:
    record = _record(entry) or {}
    name = record.get("english_name") or record.get("name") or "(does not decode)"
    return f"{entry.name}\t{entry.layout}\t{record.get('number', '')}\t{name}\t{entry.shows}".rstrip()


def _folder(name: str) -> Path:
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return folder


def _capture_writer(folder: Path) -> Callable[[Made], None]:
    return lambda entry: _save(folder / f"{entry.name}.capture.json", dump_capture(entry.card).encode())


def _zone_writer(folder: Path) -> Callable[[Made], None]:
    def write(entry: Made) -> None:
        card = entry.card
        parts = {"text": card.text, "photo": card.photo, "fingerprint": card.fingerprint, "extra": b"".join(card.extra)}
        for name, data in parts.items():
            if data:
                _save(folder / f"{entry.name}.{name}.bin", data)

    return write


def _save(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _write_parquet(stream: Iterator[Made], path: Path) -> None:
    """Writes one row for each card: what it is, its zones, and its record as JSON."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise click.UsageError("--parquet needs pyarrow; install it with: pip install 'prcard[bulk]'") from error
    binary, text = pa.binary(), pa.string()
    kinds = {
        "name": text, "layout": text, "shows": text, "text": binary, "photo": binary, "fingerprint": binary,
        "extra": pa.list_(binary), "record": text,
    }  # fmt: skip
    schema = pa.schema(kinds)
    try:
        with pq.ParquetWriter(path, schema) as writer:
            rows: list[dict[str, Any]] = []
            for entry in stream:
                rows.append(_row(entry))
                if len(rows) == BATCH:
                    writer.write_table(pa.Table.from_pylist(rows, schema))
                    rows = []
            writer.write_table(pa.Table.from_pylist(rows, schema))
    except OSError as error:
        raise _cannot_write(path, error) from error


def _row(entry: Made) -> dict[str, Any]:
    card, record = entry.card, _record(entry)
    return {
        "name": entry.name,
        "layout": entry.layout,
        "shows": entry.shows,
        "text": card.text,
        "photo": card.photo,
        "fingerprint": card.fingerprint,
        "extra": list(card.extra),
        "record": None if record is None else json.dumps(record, ensure_ascii=False),
    }


def _cannot_write(path: Path, error: OSError) -> RecordError:
    return RecordError(
        FieldProblem(str(path), None, "a place that can be written", error.strerror or "an error"),
        advice="Name another place.",
    )
