"""What the JSON API takes and gives, as models: checked on the way in, published as OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from prcard.acceptance.schema import verdict_schema
from prcard.counter.ledger import KINDS
from prcard.counter.refusals import Refusal
from prcard.counter.training import FAULTS
from prcard.record._codec import RECORDS
from prcard.record.capture import capture_schema, provenance_schema
from prcard.record.record import fields
from prcard.simulator.specimens import SPECIMENS

__all__ = [
    "Captured",
    "Card",
    "Code",
    "Failure",
    "History",
    "Injection",
    "Insertion",
    "Pair",
    "Paired",
    "Reader",
    "Readers",
    "Reveal",
    "Revealed",
    "Service",
    "State",
    "Training",
]

_LAYOUTS: Final = tuple(RECORDS)
_FIELDS: Final = tuple(sorted({name for record in RECORDS.values() for name in fields(record.places)} | {"layout"}))


def _part(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"$schema", "$id", "$comment", "title"}}


def _one_of(*names: str) -> tuple[AfterValidator, WithJsonSchema]:
    """One of the names that another folder defines: checked and published."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError("not one of the names")
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(names)})


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Verdict = Annotated[dict[str, Any], WithJsonSchema(_part(verdict_schema()))]
Provenance = Annotated[dict[str, Any], WithJsonSchema(_part(provenance_schema()))]
Captured = Annotated[dict[str, Any], WithJsonSchema(_part(capture_schema()))]
Record = Annotated[
    dict[str, str | None],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"layout": {"enum": list(_LAYOUTS)}},
            "additionalProperties": {"type": ["string", "null"]},
        }
    ),
]


class Failed(_Model):
    """What was refused, and what to do."""

    code: Annotated[str, WithJsonSchema({"type": "string", "enum": [refusal.code for refusal in Refusal]})]
    zh: str
    en: str


class Failure(_Model):
    """The body of every answer that is an error."""

    error: Failed


class Service(_Model):
    """What answers without pairing: that the service is there."""

    name: Literal["prcard-counter"]
    version: str
    api: int
    run: str
    kinds: Annotated[list[str], WithJsonSchema({"type": "array", "items": {"enum": list(KINDS)}})]


class Pair(_Model):
    """A one-time code, exchanged for a token."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=20)] = Field(
        description="Eight digits as the counter shows them; blanks between them are passed over.",
        examples=["1234 5678"],
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        default="page", description="What the list of paired pages calls this one."
    )


class Paired(_Model):
    """A token for pages on the list; for our own page it is a cookie, and `token` is null."""

    token: str | None


class Code(_Model):
    """A new pairing code."""

    code: str = Field(pattern=r"^[0-9]{8}$")
    expires_in_s: int


class Fault(_Model):
    """Why a reader or card could not be read."""

    fault: str
    advice: str
    message: str = ""


class Label(_Model):
    """Name of a field."""

    zh: str
    en: str


class Card(_Model):
    """A card on a reader; what stands in `record` is masked."""

    presence: str
    reader: str
    stage: Literal["reading", "judged", "unread"]
    training: bool
    profile: str
    inserted_at: Moment
    lifted_at: Moment | None
    record: Record | None
    labels: dict[str, Label]
    may_show: list[str]
    may_print: list[str]
    photo: Literal["png", "wlt", "blank", "unknown", "withheld"] | None
    verdict: Verdict | None
    provenance: Provenance | None
    error: Fault | None


class Reader(_Model):
    """A reader at this counter."""

    reader: str
    title: str
    uri: str
    state: Literal["starting", "ready", "lost"]
    training: bool
    profile: str
    error: Fault | None
    card: Card | None


class Readers(_Model):
    """The readers in their order."""

    readers: list[Reader]


class Row(_Model):
    """One card of this shift; masked."""

    presence: str
    reader: str
    at: Moment
    training: bool
    profile: str
    layout: str | None
    number: str | None
    outcome: Literal["PASSED", "FAILED", "INDETERMINATE"] | None
    failed: list[str]
    fault: str | None
    revealed: list[str]


class History(_Model):
    """The cards of this shift, newest first."""

    history: list[Row]


class State(_Model):
    """Everything that a page shows; `last_event_id` is where to listen on from."""

    version: str
    api: int
    run: str
    started_at: Moment
    last_event_id: str
    profiles: dict[str, Label]
    readers: list[Reader]
    history: list[Row]


class Reveal(_Model):
    """Names of fields that somebody asks to see."""

    fields: Annotated[
        list[Annotated[str, *_one_of(*_FIELDS)],],
        Field(min_length=1, max_length=len(_FIELDS)),
    ]


class Revealed(_Model):
    """The fields as they stand on the card."""

    presence: str
    fields: dict[str, str | None]
    meanings: dict[str, Label] = Field(description="What the codes among the fields stand for, where the tables know.")


class Specimen(_Model):
    """A synthetic card."""

    name: str
    shows: str


class Training(_Model):
    """What the training desk offers."""

    readers: list[str]
    specimens: list[Specimen]
    faults: dict[str, Label]


_Name = Annotated[str, *_one_of(*(entry.name for entry in SPECIMENS))]


class Insertion(_Model):
    """A specimen to lay down."""

    specimen: _Name


class Injection(_Model):
    """Something that shall go wrong."""

    fault: Annotated[str, *_one_of(*FAULTS)]
    specimen: _Name = "alice"
