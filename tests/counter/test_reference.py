"""What is generated says what the tables say."""

from __future__ import annotations

from importlib import resources

from prcard.counter.ledger import KINDS
from prcard.counter.metrics import FAMILIES
from prcard.counter.reference import javascript_client, service_reference
from prcard.counter.refusals import Refusal


def test_the_reference_names_every_place_event_refusal_and_count() -> None:
    page = service_reference()
    for words in (*KINDS, *FAMILIES, *(refusal.code for refusal in Refusal)):
        assert f"`{words}`" in page
    assert "| POST | `/api/v1/presences/{presence}/reveal` |" in page
    assert "| GET | `/api/v1/service` | Tell that the service is there; " in page


def test_the_published_client_is_the_pages_own() -> None:
    source = (resources.files("prcard.counter") / "page" / "client.js").read_text(encoding="utf-8")
    published = javascript_client()
    assert published.partition("\n")[2] == source
    assert "GENERATED" in published.partition("\n")[0]
