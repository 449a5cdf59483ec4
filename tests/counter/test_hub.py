"""Events reach everybody once and in order, come back after a break, and nobody holds up the others."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest

from prcard.counter.hub import KEPT_EVENTS, MAX_LISTENERS, QUEUE_EVENTS, Hub, Listener, frame

AT = datetime(2026, 6, 1, tzinfo=UTC)


def nothing() -> None:
    """Wakes nobody."""


def listen(hub: Hub, last_seen: str | None = None) -> Listener:
    listener = hub.listen(last_seen, nothing)
    assert listener is not None
    return listener


def numbers(listener: Listener) -> list[int]:
    return [int(event.id.partition(".")[2]) for event in listener.take()]


def test_events_are_numbered_and_reach_every_listener_in_order() -> None:
    hub = Hub("run")
    one, other = listen(hub), listen(hub)
    for _ in range(3):
        hub.publish("verdict", AT, {})
    assert numbers(one) == numbers(other) == [1, 2, 3]
    assert hub.last_id == "run.3"
    assert one.take() == []


def test_an_event_goes_over_the_wire_as_server_sent_events_are() -> None:
    event = Hub("a1").publish("card-inserted", AT, {"reader": "r1", "text": "证件\n\n"})
    head, kind, data, *end = event.wire.decode().split("\n")
    assert (head, kind, end) == ("id: a1.1", "event: card-inserted", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == event.data
    assert event.data["at"] == "2026-06-01T00:00:00.000+00:00"


def test_a_message_without_an_id_does_not_change_the_last_one() -> None:
    assert frame("hello", {}).startswith(b"event: hello\n")


def test_a_listener_that_comes_back_gets_what_it_missed() -> None:
    hub = Hub("run")
    for _ in range(5):
        hub.publish("verdict", AT, {})
    back = listen(hub, "run.2")
    hub.publish("verdict", AT, {})
    assert back.resumed
    assert numbers(back) == [3, 4, 5, 6]


def test_one_that_missed_nothing_is_resumed_with_nothing() -> None:
    hub = Hub("run")
    hub.publish("verdict", AT, {})
    back = listen(hub, "run.1")
    assert back.resumed
    assert back.take() == []


@pytest.mark.parametrize(
    "last_seen", [None, "", "other.1", "run", "run.", "run.x", "run.-1", "run.9", "run." + "9" * 40]
)
def test_an_id_that_is_not_known_is_not_resumed(last_seen: str | None) -> None:
    hub = Hub("run")
    hub.publish("verdict", AT, {})
    fresh = listen(hub, last_seen)
    assert not fresh.resumed
    assert fresh.take() == []


def test_one_that_was_away_for_too_long_is_not_resumed() -> None:
    hub = Hub("run")
    for _ in range(KEPT_EVENTS + 2):
        hub.publish("verdict", AT, {})
    assert not listen(hub, "run.1").resumed
    edge = listen(hub, "run.2")
    assert edge.resumed
    assert len(numbers(edge)) == KEPT_EVENTS


def test_one_that_does_not_fetch_is_cut_off_and_the_others_go_on() -> None:
    hub = Hub("run")
    slow, quick = listen(hub), listen(hub)
    for _ in range(QUEUE_EVENTS + 1):
        hub.publish("verdict", AT, {})
        quick.take()
    hub.publish("verdict", AT, {})
    assert len(slow.take()) == QUEUE_EVENTS
    with pytest.raises(BrokenPipeError):
        slow.take()
    assert numbers(quick) == [QUEUE_EVENTS + 2]
    assert hub.listeners == 1


def test_there_is_room_for_so_many_listeners_only() -> None:
    hub = Hub("run")
    all_of_them = [listen(hub) for _ in range(MAX_LISTENERS)]
    assert hub.listen(None, nothing) is None
    all_of_them[0].close()
    all_of_them[0].close()
    assert hub.listen(None, nothing) is not None


def test_closing_wakes_everybody_and_takes_nobody_any_more() -> None:
    hub, woken = Hub("run"), threading.Event()
    listener = hub.listen(None, woken.set)
    assert listener is not None
    hub.close()
    assert woken.is_set()
    with pytest.raises(BrokenPipeError):
        listener.take()
    assert hub.listen(None, nothing) is None
    assert hub.publish("closing", AT, {}).id == "run.1"


def test_events_of_many_threads_reach_a_listener_without_a_gap() -> None:
    hub = Hub("run")
    listener = listen(hub)
    threads = [
        threading.Thread(target=lambda: [hub.publish("verdict", AT, {}) for _ in range(QUEUE_EVENTS // 4)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(listener) == list(range(1, QUEUE_EVENTS // 4 * 4 + 1))
