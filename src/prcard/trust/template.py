"""The canonical security object of one signer: the bytes that never change, and what lies between them.

Everything that our own issuer writes is the same for each card but digests, status reference, signing time and
signature. So a batch is signed by filling these in, and verified by doing so again and comparing the whole. A
template is cut out of an object that the declared encoder made and the strict parser read.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from prcard.trust.algorithms import check_public_key, digest_of, issuing_digest
from prcard.trust.asn1 import encode, wrap
from prcard.trust.cms import MESSAGE_DIGEST, SIGNING_TIME, parse_signed, sign_message
from prcard.trust.security_object import (
    CONTENT_IDENTIFIER,
    LDS_SECURITY_OBJECT,
    SECURITY_OBJECT_TAG,
    StatusReference,
    lds_content,
    status_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography import x509

    from prcard.trust.algorithms import Digest
    from prcard.trust.cms import SignedMessage

__all__ = ["Form", "Template", "make_template"]

_PLACE: Final = StatusReference(0x5A5A5A5A, 0x5A5A5A5A)
_HEADER_BYTES: Final = 2
"""Tag and length of a value shorter than 128 bytes."""
_NAME_BYTES: Final = 40
"""Tag, digest algorithm and at least 20 bytes of the signer's identifier."""

Cut = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What decides the constant bytes beside the signer's certificate.

    Attributes:
        groups: Numbers of the data groups, rising.
        embed_certificate: Whether the certificate is in it.
        with_status: Whether it has a status reference.
        signature_bytes: Length of the signature; that of ECDSA varies by a few bytes.
    """

    groups: tuple[int, ...]
    embed_certificate: bool
    with_status: bool
    signature_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A canonical security object, cut where its bytes vary.

    Attributes:
        digest: The digest algorithm.
        head: All before the content.
        content: The content, with `%b` for the digest of each zone.
        middle: All between the content and the length of the signed attributes; their tag is its last byte.
        attributes: The signed attributes without their tag, with `%b` for status (if any), time and message digest.
        tail: All between the attributes and the signature.
        groups: Where the digest of each zone lies in an object of this length.
        values: Takes status (if any), time and signature out of one.
        name_place: Where the bytes lie that end with the signer's identifier and tell most signers apart.
    """

    digest: Digest
    head: bytes
    content: bytes
    middle: bytes
    attributes: bytes
    tail: bytes
    groups: tuple[slice, ...]
    values: Callable[[bytes], tuple[bytes, ...]]
    name_place: slice


class _Blank:
    """A signer without a key, whose signature only takes up room."""

    __slots__ = ("_signature", "certificate")

    def __init__(self, certificate: x509.Certificate, signature: bytes) -> None:
        self.certificate = certificate
        self._signature = signature

    def sign(self, data: bytes) -> bytes:
        del data
        return self._signature


def make_template(certificate: x509.Certificate, form: Form, moment: datetime) -> Template:
    """Makes the template of a signer.

    Args:
        certificate: The signer's certificate, P-256 or P-384.
        form: What is constant beside it.
        moment: Any aware moment whose encoding is of the wanted kind, UTCTime or GeneralizedTime.

    Raises:
        TrustError: the signer's key may not issue, or its certificate has no key identifier.
    """
    digest = issuing_digest(check_public_key(certificate))
    hashes = {number: digest_of(digest, b"data group %d" % number) for number in form.groups}
    message = sign_message(
        encode(lds_content(hashes, digest)),
        LDS_SECURITY_OBJECT,
        _Blank(certificate, bytes(form.signature_bytes)),
        moment,
        embed_certificate=form.embed_certificate,
        extra_attributes=[(CONTENT_IDENTIFIER, encode(status_bytes(_PLACE)))] if form.with_status else [],
    )
    sample = wrap(SECURITY_OBJECT_TAG, message)
    return _cut(sample, parse_signed(message, LDS_SECURITY_OBJECT, "template"), list(hashes.values()), form)


def _cut(sample: bytes, message: SignedMessage, hashes: Sequence[bytes], form: Form) -> Template:
    """Cuts a sample where its bytes vary."""
    content = _place(sample, message.content, 0)
    attributes = _place(sample, message.signed_bytes[1:], content[1])
    names = [*([CONTENT_IDENTIFIER] if form.with_status else []), SIGNING_TIME, MESSAGE_DIGEST]
    groups = [_place(sample, value, content[0]) for value in hashes]
    values = [_place(sample, message.attributes[name], attributes[0]) for name in names]
    values = [(start + _HEADER_BYTES, end) for start, end in values]
    signature = (len(sample) - form.signature_bytes, len(sample))
    return Template(
        digest=message.digest,
        head=sample[: content[0]],
        content=_format(sample, content, groups),
        middle=sample[content[1] : attributes[0]],
        attributes=_format(sample, attributes, values),
        tail=sample[attributes[1] : signature[0]],
        groups=tuple(slice(*cut) for cut in groups),
        values=itemgetter(*(slice(*cut) for cut in (*values[:-1], signature))),
        name_place=slice(attributes[0] - _NAME_BYTES, attributes[0]),
    )


def _place(sample: bytes, value: bytes, start: int) -> Cut:
    at = sample.index(value, start)
    return at, at + len(value)


def _format(sample: bytes, whole: Cut, cuts: Sequence[Cut]) -> bytes:
    """A part of the sample with `%b` in place of each cut; they rise."""
    edges = [whole[0], *(edge for cut in cuts for edge in cut), whole[1]]
    pieces = (sample[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    return b"%b".join(piece.replace(b"%", b"%%") for piece in pieces)
