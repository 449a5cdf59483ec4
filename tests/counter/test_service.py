"""The counter as a whole, without HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from prcard.acceptance.profile import Profile
from prcard.counter.policy import Policy
from prcard.counter.refusals import Refusal, RefusedError
from prcard.counter.service import Counter
from prcard.counter.training import TrainingDesk
from prcard.record.capture import load_capture
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile


def refusal(act: Callable[[], Any]) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        act()
    return refused.value.refusal


def on_reader(
    profile: Profile, *, training: bool, wait_until: Callable[..., Any], act: Callable[[Counter, str], None]
) -> None:
    """Reads alice on a served virtual reader under a profile, then acts."""
    virtual, face = VirtualReader(), TCPFace()
    virtual.insert(specimen("alice").card(), "alice")
    with Server(virtual, [face]), Counter([(face.uri, "Desk", Policy(profile=profile, training=training))]) as counter:
        card = wait_until(
            lambda: (counter.stations[0].to_document()["card"] or {}).get("verdict") and counter.stations[0]
        )
        act(counter, card.presence.id)


def test_what_was_read_may_be_kept_only_where_the_profile_allows_it(wait_until: Callable[..., Any]) -> None:
    def allowed(counter: Counter, presence: str) -> None:
        assert load_capture(counter.capture(presence, "me")).text == specimen("alice").card().text

    def forbidden(counter: Counter, presence: str) -> None:
        assert refusal(lambda: counter.capture(presence, "me")) is Refusal.FORBIDDEN

    on_reader(load_profile("training"), training=True, wait_until=wait_until, act=allowed)
    on_reader(load_profile("counter"), training=False, wait_until=wait_until, act=forbidden)


def test_a_simulated_reader_is_refused_by_a_house_profile(wait_until: Callable[..., Any]) -> None:
    def refused(counter: Counter, presence: str) -> None:
        card = counter.stations[0].to_document()["card"]
        assert card["presence"] == presence
        assert card["verdict"]["outcome"] == "FAILED"
        assert "provenance" in card["verdict"]["failed"]

    on_reader(load_profile("counter"), training=False, wait_until=wait_until, act=refused)


def test_the_training_profile_is_forced_on_virtual_readers_beside_a_house_profile(
    wait_until: Callable[..., Any],
) -> None:
    virtual, face = VirtualReader(), TCPFace()
    house = Policy(profile=replace(load_profile("counter"), name="house"))
    with Server(virtual, [face]), Counter([(face.uri, "Desk", house)], desk=TrainingDesk()) as counter:
        profiles = [(station.policy.profile.name, station.policy.training) for station in counter.stations]
        assert profiles == [("house", False), ("training", True)]
        assert counter.to_document()["profiles"].keys() == {"house", "training"}
        wait_until(lambda: all(station.state.value == "ready" for station in counter.stations))
        assert 'prcard_readers{state="ready"} 2' in counter.metrics_text()


def test_photos_are_shown_only_where_they_can_be(served: Any) -> None:
    served.insert("alice")
    presence = served.card()["presence"]
    assert served.counter.photo(presence).startswith(b"\x89PNG")
    station = served.counter.stations[0]
    station._presence = replace(station.presence, raw=replace(station.presence.raw, photo=b"WL".ljust(1024, b"x")))
    assert refusal(lambda: served.counter.photo(presence)) is Refusal.NO_PICTURE


def test_what_is_not_there_is_refused_by_name(served: Any) -> None:
    counter = served.counter
    assert refusal(lambda: counter.station("r9")) is Refusal.NO_READER
    for act in (
        lambda: counter.photo("x"),
        lambda: counter.capture("x", ""),
        lambda: counter.reveal("x", ["number"], ""),
    ):
        assert refusal(act) is Refusal.NO_PRESENCE
    station = counter.stations[0]
    served.insert("alice")
    presence = served.card()["presence"]
    station._presence = replace(station.presence, raw=None)
    assert refusal(lambda: counter.photo(presence)) is Refusal.NOT_READ
    assert refusal(lambda: counter.capture(presence, "")) is Refusal.NOT_READ


def test_without_a_training_desk_nobody_trains() -> None:
    with Counter() as counter:
        assert refusal(lambda: counter.train(None, "insert", "alice")) is Refusal.NOT_TRAINING  # type: ignore[arg-type]


def test_a_run_is_logged_from_start_to_stop_without_a_name(wait_until: Callable[..., Any]) -> None:
    log = io.StringIO()
    with Counter(desk=TrainingDesk(), log=log) as counter:
        station = counter.stations[0]
        wait_until(lambda: station.state.value == "ready")
        counter.train(station, "insert", "alice")
        wait_until(lambda: station.presence and station.presence.verdict is not None)
        counter.reveal(station.presence.id, ["number"], "me")  # type: ignore[union-attr]
        counter.capture(station.presence.id, "me")  # type: ignore[union-attr]
        counter.train(station, "remove", "")
        wait_until(lambda: station.presence and station.presence.lifted_at)
    events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
    expected = ["started", "reader-ready", "training", "card-inserted", "verdict", "revealed", "captured", "training"]
    assert [event for event in events if event in expected] == expected
    assert events[-1] == "stopped"
    assert "911124" not in log.getvalue()
    assert "withheld" not in log.getvalue()
