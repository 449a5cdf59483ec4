"""Every ASN.1 type of this package, and the only module that uses `cryptography.hazmat.asn1`.

That API is not yet stable: keep it here, behind golden-byte tests and an upper version bound.

Source: RFC 5652 (CMS), RFC 5280, ICAO Doc 9303-10 (LDSSecurityObject) and 9303-12 (document types). StatusListContent
and CheckpointContent are ours.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from prcard.trust.reasons import TrustReason, refusal

__all__ = [
    "AlgorithmIdentifier",
    "Attribute",
    "BitString",
    "CertificateParts",
    "CheckpointContent",
    "ContentInfo",
    "DataGroupHash",
    "DocumentTypeList",
    "EncapsulatedContent",
    "GeneralizedTime",
    "HashIdentifier",
    "IssuerAndSerial",
    "LDSSecurityObject",
    "LDSVersionInfo",
    "MaskIdentifier",
    "Null",
    "ObjectIdentifier",
    "PSSParameters",
    "PrintableString",
    "SetOf",
    "SignedData",
    "SignerInfo",
    "StatusListContent",
    "SubjectKey",
    "TBSCertificateParts",
    "UTCTime",
    "any_value",
    "decode",
    "encode",
    "extent",
    "unwrap",
    "wrap",
]

SEQUENCE: Final = 0x30
_DEPTH_LIMIT: Final = 32
_CONSTRUCTED_STRINGS: Final = {0x23, 0x24, 0x2C, 0x33, 0x36}

T = TypeVar("T")

encode = asn1.encode_der
PrintableString = asn1.PrintableString
UTCTime = asn1.UTCTime
GeneralizedTime = asn1.GeneralizedTime
SetOf = asn1.SetOf
BitString = asn1.BitString
Null = asn1.Null


@asn1.sequence
class HashIdentifier:
    """AlgorithmIdentifier of a digest: parameters absent or NULL."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class MaskIdentifier:
    """AlgorithmIdentifier of a mask generation function."""

    algorithm: ObjectIdentifier
    parameters: HashIdentifier


@asn1.sequence
class PSSParameters:
    """RSASSA-PSS-params."""

    hash_algorithm: Annotated[HashIdentifier | None, asn1.Explicit(0)]
    mask_algorithm: Annotated[MaskIdentifier | None, asn1.Explicit(1)]
    salt_length: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class AlgorithmIdentifier:
    """AlgorithmIdentifier of a signature: parameters absent, NULL or those of RSASSA-PSS."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | PSSParameters | None


@asn1.sequence
class IssuerAndSerial:
    """IssuerAndSerialNumber; the issuer's name keeps its bytes."""

    issuer: asn1.TLV
    serial: int


@asn1.sequence
class Attribute:
    """Attribute; values keep their bytes."""

    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class SignerInfo:
    """SignerInfo; attributes keep their bytes, since the signature is over them."""

    version: int
    signer_id: IssuerAndSerial | Annotated[bytes, asn1.Implicit(0)]
    digest_algorithm: HashIdentifier
    signed_attributes: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    unsigned_attributes: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class EncapsulatedContent:
    """EncapsulatedContentInfo."""

    content_type: ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """SignedData; certificates keep their bytes, so that an odd one is refused with a reason of its own."""

    version: int
    digest_algorithms: asn1.SetOf[HashIdentifier]
    encapsulated: EncapsulatedContent
    certificates: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    lists: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    """ContentInfo; the content keeps its bytes."""

    content_type: ObjectIdentifier
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class DataGroupHash:
    """Number and digest of one data group."""

    number: int
    value: bytes


@asn1.sequence
class LDSVersionInfo:
    """Versions of the data structure and of Unicode."""

    lds_version: asn1.PrintableString
    unicode_version: asn1.PrintableString


@asn1.sequence
class LDSSecurityObject:
    """What a security object signs."""

    version: int
    hash_algorithm: HashIdentifier
    hashes: list[DataGroupHash]
    version_info: LDSVersionInfo | None


@asn1.sequence
class DocumentTypeList:
    """Extension 2.23.136.1.1.6.2: which kinds of documents a signer may sign."""

    version: int
    types: asn1.SetOf[asn1.PrintableString]


@asn1.sequence
class StatusListContent:
    """What a status list signs (our content type)."""

    version: int
    list_id: int
    number: int
    this_update: asn1.GeneralizedTime
    next_update: asn1.GeneralizedTime
    bits: int
    entries: int
    deflated: bytes


@asn1.sequence
class CheckpointContent:
    """What a checkpoint of the integrity log signs (our content type)."""

    version: int
    origin: str
    tree_size: int
    root: bytes


@asn1.sequence
class KeyAlgorithm:
    """AlgorithmIdentifier of an elliptic-curve key; the parameters keep their bytes."""

    algorithm: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class SubjectKey:
    """SubjectPublicKeyInfo."""

    algorithm: KeyAlgorithm
    key: asn1.BitString


@asn1.sequence
class TBSCertificateParts:
    """TBSCertificate whose parts keep their bytes."""

    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    signature: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    subject_key: asn1.TLV
    extensions: Annotated[asn1.TLV, asn1.Explicit(3)]


@asn1.sequence
class CertificateParts:
    """Certificate whose parts keep their bytes."""

    tbs: TBSCertificateParts
    signature_algorithm: asn1.TLV
    signature: asn1.BitString


def decode(kind: type[T], data: bytes, name: str) -> T:
    """Decodes one DER value of a declared type.

    Args:
        kind: A type of this module.
        data: The bytes; all of them.
        name: What they are, for the message.

    Raises:
        TrustError: `data` is not that, with the reason NOT_DER where it is BER, otherwise MALFORMED.
    """
    try:
        return asn1.decode_der(kind, data)
    except ValueError as error:
        if _is_ber(data) or "InvalidSetOrdering" in str(error):
            raise refusal(TrustReason.NOT_DER, f"{name}: expected DER, found a form that only BER allows") from None
        raise refusal(TrustReason.MALFORMED, f"{name}: expected {kind.__name__}, found something else") from None


def any_value(data: bytes) -> asn1.TLV:
    """Takes one whole encoded value as a field that keeps its bytes."""
    return decode(asn1.TLV, data, "value")


def wrap(tag: int, content: bytes) -> bytes:
    """Puts tag and DER length before `content`."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def unwrap(tag: int, data: bytes, name: str) -> bytes:
    """Takes tag and length off `data`, which must be exactly one value.

    Args:
        tag: The tag, one byte.
        data: The bytes.
        name: What they are, for the message.

    Raises:
        TrustError: WRONG_TAG, NOT_DER (length), MALFORMED (bytes missing) or TRAILING_BYTES.
    """
    if data[:1] != bytes((tag,)):
        found = f"0x{data[0]:02X}" if data else "no bytes"
        raise refusal(TrustReason.WRONG_TAG, f"{name}: expected 0x{tag:02X} as first byte, found {found}")
    start, end = extent(data, 0)
    if end < 0:
        raise refusal(TrustReason.NOT_DER, f"{name}: expected the shortest definite length, found another form")
    if end > len(data):
        raise refusal(TrustReason.MALFORMED, f"{name}: expected {end} bytes, found {len(data)}")
    if end < len(data):
        raise refusal(TrustReason.TRAILING_BYTES, f"{name}: expected its end at byte {end}, found {len(data)} bytes")
    return data[start:]


def extent(data: bytes, at: int) -> tuple[int, int]:
    """Start of the content and end of the value at `at`; the end is -1 for a length that only BER allows.

    A value that is cut short ends beyond the data.
    """
    first = data[at + 1] if at + 1 < len(data) else 0x7F
    if first < 0x80:
        return at + 2, at + 2 + first
    start = at + 2 + (first & 0x7F)
    length = int.from_bytes(data[at + 2 : start], "big")
    if start > len(data):
        return start, start
    shortest = first > 0x80 and length >= 0x80 and data[at + 2] != 0
    return start, start + length if shortest else -1


def _is_ber(data: bytes, depth: int = 0) -> bool:
    """Tells whether a form occurs that DER forbids; runs only on data that were refused."""
    at = 0
    while at + 1 < len(data) and depth < _DEPTH_LIMIT:
        start, end = extent(data, at)
        if end < 0 or data[at] in _CONSTRUCTED_STRINGS:
            return True
        if data[at] & 0x20 and _is_ber(data[start:end], depth + 1):
            return True
        at = end
    return False
