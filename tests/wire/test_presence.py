"""What can be seen of a card that lies on a SAM_V reader, for every kind of reader there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.wire.codes import Command, Status
from prcard.wire.host import Reply
from prcard.wire.presence import CardWatch, Sight
from prcard.wire.procedure import Answer, Exchange
from prcard.wire.states import Event, State, step


class Slot:
    """A reader by the table of states; `knows` lists the commands that it knows beside those that all know."""

    def __init__(self, *, read_once: bool = True, knows: tuple[Command, ...] = ()) -> None:
        self.read_once, self.knows = read_once, knows
        self.state = State.EMPTY
        self.asked: list[Command] = []
        self.broken: list[Status | None] = []

    def insert(self) -> None:
        self.state = step(State.EMPTY, Event.CARD_INSERTED).next

    def remove(self) -> None:
        self.state = step(self.state, Event.CARD_REMOVED).next

    def swap(self) -> None:
        self.remove()
        self.insert()

    def ask(self, command: Command) -> Reply | None:
        self.asked.append(command)
        if self.broken:
            status = self.broken.pop(0)
        elif command in {Command.READ_MANAGEMENT, Command.READ_EXTRA} and command not in self.knows:
            status = Status.BAD_COMMAND
        else:
            follows = step(self.state, command, read_once=self.read_once)
            self.state, status = follows.next, follows.status
        return None if status is None else Reply(command=command, status=status, sw1=0, sw2=0, data=b"")

    def look(self, watch: CardWatch) -> Sight:
        looking = watch.look()
        answer: Answer | None = None
        while True:
            try:
                wanted = next(looking) if answer is None else looking.send(answer)
            except StopIteration as end:
                sight: Sight = end.value
                return sight
            answer = Answer(0.0, reply=self.ask(wanted.command) if isinstance(wanted, Exchange) else None)

    def read(self, watch: CardWatch) -> None:
        for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO_FINGERPRINT):
            self.ask(command)
        again = self.ask(Command.FIND_CARD)
        watch.card_was_read(found_again=again is not None and again.status is Status.CARD_FOUND)


BOTH = (Command.READ_MANAGEMENT, Command.READ_EXTRA)
KINDS = {
    "once, management": (True, BOTH),
    "once, extra only": (True, (Command.READ_EXTRA,)),
    "again, management": (False, BOTH),
    "again, extra only": (False, (Command.READ_EXTRA,)),
    "again, neither": (False, ()),
}


@pytest.fixture(params=KINDS)
def slot(request: pytest.FixtureRequest) -> Slot:
    read_once, knows = KINDS[request.param]
    return Slot(read_once=read_once, knows=knows)


def test_a_card_that_nobody_reads_comes_and_goes(slot: Slot) -> None:
    watch = CardWatch()
    assert slot.look(watch) is Sight.ABSENT
    slot.insert()
    assert [slot.look(watch), slot.look(watch)] == [Sight.PRESENT] * 2
    slot.remove()
    assert [slot.look(watch), slot.look(watch)] == [Sight.ABSENT] * 2


def test_a_card_that_was_read_lies_there_until_it_is_lifted(slot: Slot) -> None:
    watch = CardWatch()
    for _ in range(2):
        slot.insert()
        assert slot.look(watch) is Sight.PRESENT
        slot.read(watch)
        assert [slot.look(watch) for _ in range(3)] == [Sight.PRESENT] * 3
        slot.remove()
        assert [slot.look(watch), slot.look(watch)] == [Sight.ABSENT] * 2


@pytest.mark.parametrize("kind", [name for name in KINDS if "neither" not in name])
def test_a_swap_between_two_looks_is_seen(kind: str) -> None:
    slot, watch = Slot(read_once=KINDS[kind][0], knows=KINDS[kind][1]), CardWatch()
    slot.insert()
    slot.read(watch)
    assert slot.look(watch) is Sight.PRESENT
    slot.swap()
    assert [slot.look(watch), slot.look(watch)] == [Sight.REPLACED, Sight.PRESENT]


def test_looks_do_not_take_the_selection_from_the_card() -> None:
    slot, watch = Slot(knows=BOTH), CardWatch()
    slot.insert()
    slot.read(watch)
    slot.asked.clear()
    for _ in range(3):
        slot.look(watch)
    assert slot.asked == [Command.READ_MANAGEMENT] * 3


def test_a_reader_that_keeps_quiet_reports_the_removal_with_the_next_card() -> None:
    slot, watch = Slot(knows=()), CardWatch()
    slot.insert()
    slot.read(watch)
    slot.remove()
    assert [slot.look(watch), slot.look(watch)] == [Sight.PRESENT] * 2
    slot.insert()
    assert [slot.look(watch), slot.look(watch)] == [Sight.REPLACED, Sight.PRESENT]


@pytest.mark.parametrize("count", [1, 2])
def test_one_failed_look_does_not_count(count: int) -> None:
    """Neither a failed find before the reading nor a failed read after it; the second one does."""
    expected = Sight.PRESENT if count == 1 else Sight.ABSENT
    slot, watch = Slot(knows=BOTH), CardWatch()
    slot.insert()
    slot.look(watch)
    slot.broken = [Status.NO_CARD] * count
    assert slot.look(watch) is expected
    slot.read(watch)
    slot.look(watch)
    slot.broken = [Status.READ_FAILED] * count
    assert slot.look(watch) is expected


def test_damaged_replies_are_asked_for_again_a_few_times() -> None:
    slot, watch = Slot(), CardWatch()
    slot.insert()
    slot.broken = [None, None]
    assert slot.look(watch) is Sight.PRESENT
    slot.broken = [None, None, None]
    with pytest.raises(ReaderError) as silent:
        slot.look(watch)
    assert silent.value.fault is ReaderFault.SILENT


@pytest.mark.parametrize("prepare", [lambda slot, watch: None, lambda slot, watch: slot.read(watch)])
def test_a_reader_that_refuses_to_look_is_an_error(prepare: Callable[[Slot, CardWatch], None]) -> None:
    slot, watch = Slot(), CardWatch()
    slot.insert()
    prepare(slot, watch)
    slot.look(watch)
    slot.broken = [Status.SAM_NOT_AUTHORISED]
    with pytest.raises(ReaderError, match="not authorised") as refused:
        slot.look(watch)
    assert refused.value.fault is ReaderFault.REFUSED
