"""Templates: what is filled in gives the very bytes of the declared encoder, and each part is found again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.trust.security_object import parse_security_object
from prcard.trust.template import Form, make_template

SIGNED = datetime(2026, 2, 1, 8, 30, tzinfo=UTC)


def form_of(data: bytes, *, embed: bool) -> Form:
    parsed = parse_security_object(data)
    return Form(
        groups=tuple(parsed.hashes),
        embed_certificate=embed,
        with_status=parsed.status is not None,
        signature_bytes=len(parsed.message.signature),
    )


@pytest.mark.parametrize("name", ["sod", "compact"])
def test_a_good_object_comes_apart_and_together_again(issuer: Any, name: str) -> None:
    data = getattr(issuer, name)
    parsed = parse_security_object(data)
    template = make_template(issuer.dsc, form_of(data, embed=name == "sod"), SIGNED)
    assert [data[place] for place in template.groups] == list(parsed.hashes.values())
    status, time, signature = template.values(data)
    assert status == b"\x00\x00\x00\x01\x00\x00\x00\x2a"
    assert (time, signature) == (b"260201083000Z", parsed.message.signature)
    content = template.content % tuple(parsed.hashes.values())
    assert content == parsed.message.content
    attributes = template.attributes % (status, time, parsed.message.message_digest)
    assert b"\x31" + attributes == parsed.message.signed_bytes
    whole = (template.head, content, template.middle, attributes, template.tail, signature)
    assert b"".join(whole) == data
    assert data[template.name_place] in template.middle


def test_a_name_with_percent_signs_stays_as_it_is(p256: Any) -> None:
    form = Form(groups=(1, 2), embed_certificate=True, with_status=False, signature_bytes=70)
    template = make_template(p256.dsc, form, SIGNED)
    assert b"%b" not in template.head + template.middle + template.tail
    assert template.content.count(b"%b") == 2
    assert template.attributes.count(b"%b") == 2


def test_a_key_that_may_not_issue_has_no_template(p256: Any) -> None:
    data = (p256.folder.parent / "accepted" / "rsa-pkcs1.sod.der").read_bytes()
    certificate = parse_security_object(data).message.certificate
    assert certificate is not None
    with pytest.raises(TrustError) as caught:
        make_template(certificate, form_of(data, embed=True), SIGNED)
    assert caught.value.reason == "unsupported-key"
