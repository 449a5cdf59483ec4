"""`prcard watch`: what happens at the readers, one line for each event."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import ReaderError, ReaderFault
from prcard.reader.uri import attached_readers
from prcard.reader.watch import watch

if TYPE_CHECKING:
    from prcard.reader.watch import ReaderEvent

__all__ = ["command"]

SLICE_S = 1.0


@click.command("watch")
@click.option("--reader", "uris", multiple=True, metavar="URI", help="Reader to watch; repeat. Default: PC/SC and USB.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--for", "seconds", type=click.FloatRange(min=0.1), help="Stop after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each event.")
def command(*, uris: tuple[str, ...], count: int | None, seconds: float | None, as_json: bool) -> int:
    """Tell of readers and cards as they come and go.

    No card is read. It runs until SIGINT or SIGTERM. Serial ports and network readers are watched when they are named,
    because they must be talked to.

    \b
    Example:
      prcard watch --reader pcsc: --reader serial:/dev/ttyUSB0
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    stopped: list[int] = []
    with watch(_chosen(uris)) as watcher:

        def stop(number: int, _: object) -> None:
            stopped.append(number)
            # Wakes the wait below.
            watcher.close()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        seen = 0
        while not stopped and (count is None or seen < count):
            left = SLICE_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                break
            event = watcher.next_event(min(left, SLICE_S))
            if event is not None:
                seen += 1
                _print(event, as_json=as_json)
    return ExitCode.DONE


def _chosen(uris: tuple[str, ...]) -> list[str]:
    if uris:
        return list(uris)
    found = [uri for uri, _ in attached_readers()]
    usb = [uri for uri in found if uri.startswith("usb:")]
    serial = [uri for uri in found if uri.startswith("serial:")]
    if serial:
        click.echo(f"Not watched unless named with --reader: {', '.join(serial)}", err=True)
    if usb and not any(uri.startswith("pcsc:") for uri in found):
        return usb
    try:
        from prcard.reader.pcsc import library

        library()
    except ReaderError as error:
        raise ReaderError(
            ReaderFault.NOT_FOUND, f"There is nothing to watch. {error}", "Or name a reader with --reader."
        ) from error
    return [*usb, "pcsc:"]


def _print(event: ReaderEvent, *, as_json: bool) -> None:
    if as_json:
        document = {
            "event": event.kind.value,
            "reader": event.reader,
            "at": event.at.isoformat(),
            "presence": event.presence,
        }
        print_json(document, compact=True)
    else:
        say(f"{event.at.astimezone():%H:%M:%S.%f}\t{event.kind.value}\t{event.reader}\t{event.presence}")
