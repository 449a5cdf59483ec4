"""Prints the verdicts of a counter as they come; pair once with the code that the counter shows.

python examples/counter_listener.py http://127.0.0.1:8964/ 12345678 [COUNT]
"""

from __future__ import annotations

import sys

from prcard.counter.client import CounterClient


def main(url: str, code: str, count: int) -> None:
    """Listens until `count` cards were judged."""
    counter = CounterClient(url)
    counter.pair(code, "example")
    # Go on from the present state, so that a card that is laid down in this moment is not missed.
    for event in counter.events(counter.state()["last_event_id"]):
        if event["kind"] != "verdict":
            continue
        verdict, record = event["card"]["verdict"], event["card"]["record"] or {}
        print(event["reader"], verdict["outcome"], record.get("number", "no number"), flush=True)
        count -= 1
        if not count:
            return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
