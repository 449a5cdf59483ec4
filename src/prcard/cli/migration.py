"""CSV in and out for `prcard number migrate`: streamed, in two passes, since a conflict may show in the last row."""

from __future__ import annotations

import csv
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from prcard.cli.output import write_bytes
from prcard.errors import BatchError
from prcard.record.migration import COLUMNS, CardIndex, Claims, Migrated, MigrationStatus, migrate_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Table", "run_migration"]

ADDED: Final = ("migration_status", "migration_old", "migration_new", "migration_reasons")
MAX_CELL_CHARS: Final = 10_000
_EXTRA: Final = "more cells than the header has"
_FEWER: Final = "fewer cells than the header has"


class Table:
    """A CSV file with a header."""

    def __init__(self, path: Path, encoding: str, renamed: Sequence[str] = ()) -> None:
        """Reads the header.

        Args:
            path: The file.
            encoding: Its encoding.
            renamed: `OURS=YOURS` for columns that have another name in the file.

        Raises:
            BatchError: the file cannot be read, or has none of the columns.
            click.BadParameter: a renaming is none, or the encoding is not known.
        """
        self._path, self._encoding = path, encoding
        try:
            "".encode(encoding)
        except LookupError as error:
            raise click.BadParameter(f"{encoding[:40]!r} is no encoding", param_hint="--encoding") from error
        self._theirs = dict(zip(COLUMNS, COLUMNS, strict=True))
        for entry in renamed:
            ours, equals, theirs = entry.partition("=")
            if ours not in COLUMNS or not equals or not theirs:
                raise click.BadParameter(
                    f"expected {', '.join(COLUMNS)} followed by = and your name of it", param_hint="--column"
                )
            self._theirs[ours] = theirs
        self.header = next(self._cells(), [])
        if not {"old_number", "new_number"} & {ours for ours, name in self._theirs.items() if name in self.header}:
            wanted = ", ".join(self._theirs.values())
            raise BatchError(f"{path}: expected a header with some of {wanted}, found none; see --column")
        if set(ADDED) & set(self.header) or len(set(self.header)) != len(self.header):
            raise BatchError(f"{path}: expected each column once and none of {', '.join(ADDED)}; rename them")

    def rows(self) -> Iterator[tuple[list[str], dict[str, str], str]]:
        """Gives each row: its cells, its values by our names, and what is wrong with its form."""
        places = {ours: self.header.index(name) for ours, name in self._theirs.items() if name in self.header}
        lines = self._cells()
        next(lines, None)
        for cells in lines:
            if cells:
                wrong = "" if len(cells) == len(self.header) else (_EXTRA if len(cells) > len(self.header) else _FEWER)
                yield cells, {ours: cells[at] for ours, at in places.items() if at < len(cells)}, wrong

    def _cells(self) -> Iterator[list[str]]:
        csv.field_size_limit(MAX_CELL_CHARS)
        try:
            with self._path.open(encoding=self._encoding, newline="") as file:
                reader = csv.reader(file, strict=True)
                yield from reader
        except (OSError, UnicodeError, csv.Error) as error:
            what = error.strerror if isinstance(error, OSError) else type(error).__name__
            raise BatchError(
                f"{self._path}: expected CSV in {self._encoding}, found: {what}; see --encoding"
            ) from error


def run_migration(table: Table, cards: Table | None, output: Path | None) -> dict[str, int]:
    """Migrates a table and gives how many rows came to what.

    Args:
        table: The records.
        cards: The new cards to look in.
        output: Where to write; None for stdout. A file is replaced only when the new one is complete.

    Raises:
        BatchError: a file cannot be read or written.
    """
    index = CardIndex(values for _, values, _ in cards.rows()) if cards is not None else CardIndex()
    if index.refused:
        click.echo(f"{index.refused} rows of the cards are no card and were passed over.", err=True)
    claims = Claims()
    for _, values, wrong in table.rows():
        if not wrong:
            claims.add(migrate_row(values, index))
    counts: Counter[str] = Counter()
    lines = _lines(table, index, claims, counts)
    if output is None:
        for line in lines:
            write_bytes(line)
    else:
        _write_file(output, lines)
    return {status.value: counts[status.value] for status in MigrationStatus}


def _lines(table: Table, index: CardIndex, claims: Claims, counts: Counter[str]) -> Iterator[bytes]:
    yield _csv([*table.header, *ADDED])
    for cells, values, wrong in table.rows():
        found = _judged(values, wrong, index, claims)
        counts[found.status.value] += 1
        padded = [*cells, *[""] * (len(table.header) - len(cells))][: len(table.header)]
        yield _csv([*padded, found.status.value, found.old, found.new, "; ".join(found.reasons)])


def _judged(values: Mapping[str, str], wrong: str, index: CardIndex, claims: Claims) -> Migrated:
    found = claims.judge(migrate_row(values, index))
    if not wrong:
        return found
    problems = found.reasons if found.status is MigrationStatus.ERROR else ()
    return Migrated(MigrationStatus.ERROR, reasons=(wrong, *problems))


def _csv(cells: Sequence[str]) -> bytes:
    return (",".join(_quoted(cell) for cell in cells) + "\r\n").encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in '",\r\n') else cell


def _write_file(path: Path, lines: Iterable[bytes]) -> None:
    """Writes line by line beside the file, then puts it in its place; mode 0600, since it holds numbers."""
    temporary: Any = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            for line in lines:
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise BatchError(f"{path}: expected a file that can be written, found: {error.strerror}; make room") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
