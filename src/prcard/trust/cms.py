"""One signed message: CMS SignedData with exactly one signer, made and read to one strict profile.

Security objects, status lists and checkpoints are all such messages, so one piece of code judges their signatures.

Source: RFC 5652; what is refused beyond it is listed in `prcard.trust.reasons`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.trust.algorithms import (
    Digest,
    Scheme,
    check_public_key,
    digest_of,
    issuing_digest,
    parse_digest,
    parse_scheme,
    verify_signature,
)
from prcard.trust.asn1 import (
    SEQUENCE,
    AlgorithmIdentifier,
    Attribute,
    CertificateParts,
    ContentInfo,
    EncapsulatedContent,
    GeneralizedTime,
    HashIdentifier,
    IssuerAndSerial,
    ObjectIdentifier,
    SetOf,
    SignedData,
    SignerInfo,
    UTCTime,
    any_value,
    decode,
    encode,
    unwrap,
)
from prcard.trust.certificate_profile import load_certificate
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prcard.trust.algorithms import PublicKey
    from prcard.trust.signer import Signer

__all__ = [
    "MESSAGE_DIGEST",
    "SIGNING_TIME",
    "SignedMessage",
    "assemble",
    "check_message_digest",
    "check_signature",
    "encode_time",
    "names_certificate",
    "parse_signed",
    "sign_message",
]

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
ID_DATA: Final = "1.2.840.113549.1.7.1"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_REQUIRED_ATTRIBUTES: Final = {
    CONTENT_TYPE: "contentType",
    SIGNING_TIME: "signingTime",
    MESSAGE_DIGEST: "messageDigest",
}

_UTC_TIME_TAG: Final = b"\x17"
_GENERALIZED_FROM_YEAR: Final = 2050
_UTC_FROM_YEAR: Final = 1950


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A message whose form is in order; its signature is judged by `check_signature`, its signer by the chain.

    Attributes:
        content: The signed content, as it stands in the message.
        content_type: Dotted object identifier of the content.
        digest: The one digest algorithm.
        scheme: How the signature was made.
        signature: The signature value.
        signed_bytes: What the signature is over: the signed attributes as a SET.
        message_digest: Digest of the content, as the signed attributes say.
        signing_time: Aware moment, as the signed attributes say; the signer's own word.
        attributes: The signed attributes: object identifier to the encoded value.
        signer_id: Subject key identifier, or issuer name (encoded) and serial number.
        certificate: The embedded certificate, or None in the compact form.
    """

    content: bytes = field(repr=False)
    content_type: str
    digest: Digest
    scheme: Scheme
    signature: bytes = field(repr=False)
    signed_bytes: bytes = field(repr=False)
    message_digest: bytes = field(repr=False)
    signing_time: datetime
    attributes: Mapping[str, bytes] = field(repr=False)
    signer_id: bytes | tuple[bytes, int]
    certificate: x509.Certificate | None


def parse_signed(data: bytes, content_type: str, name: str, *, sm2: bool = False) -> SignedMessage:
    """Reads a signed message; every departure from the profile is refused with a reason of its own.

    Args:
        data: ContentInfo in DER, nothing after it.
        content_type: The content type that is expected, dotted.
        name: What it is, for messages.
        sm2: True reads a message signed by SM2 with SM3, and no other.

    Raises:
        TrustError: anything in it is not as the profile says. The signature is NOT checked here.
    """
    unwrap(SEQUENCE, data, name)
    signed_data = _parse_signed_data(data, name)
    content = _parse_content(signed_data, content_type)
    info = _single_signer(signed_data)
    digest = _parse_digests(signed_data, info, sm2)
    scheme = parse_scheme(info.signature_algorithm, digest)
    attributes, signed_bytes = _parse_attributes(info)
    if _value(attributes, CONTENT_TYPE, ObjectIdentifier).dotted_string != content_type:
        raise refusal(TrustReason.CONTENT_TYPE_DIFFERS, f"contentType attribute: expected {content_type}")
    message = SignedMessage(
        content=content,
        content_type=content_type,
        digest=digest,
        scheme=scheme,
        signature=info.signature,
        signed_bytes=signed_bytes,
        message_digest=_parse_message_digest(attributes, digest),
        signing_time=_parse_signing_time(attributes),
        attributes=attributes,
        signer_id=_parse_signer_id(info),
        certificate=_parse_certificate(signed_data),
    )
    if message.certificate is not None and not names_certificate(message, message.certificate):
        raise refusal(TrustReason.SIGNER_ID_DIFFERS, "signer identifier: it does not name the embedded certificate")
    return message


def _parse_signed_data(data: bytes, name: str) -> SignedData:
    info = decode(ContentInfo, data, name)
    if info.content_type.dotted_string != SIGNED_DATA:
        found = info.content_type.dotted_string
        raise refusal(TrustReason.NOT_SIGNED_DATA, f"{name}: expected content type {SIGNED_DATA}, found {found}")
    signed_data = decode(SignedData, encode(info.content), name)
    if signed_data.version != 3:
        raise refusal(TrustReason.WRONG_VERSION, f"SignedData version: expected 3, found {signed_data.version}")
    if signed_data.lists is not None:
        raise refusal(TrustReason.LISTS_EMBEDDED, "crls: expected none")
    return signed_data


def _parse_content(signed_data: SignedData, content_type: str) -> bytes:
    found = signed_data.encapsulated.content_type.dotted_string
    if found == ID_DATA:
        raise refusal(TrustReason.ID_DATA, f"eContentType: expected {content_type}, found {ID_DATA}")
    if found != content_type:
        raise refusal(TrustReason.WRONG_CONTENT_TYPE, f"eContentType: expected {content_type}, found {found}")
    if signed_data.encapsulated.content is None:
        raise refusal(TrustReason.CONTENT_MISSING, "eContent: expected the content, found none")
    return signed_data.encapsulated.content


def _single_signer(signed_data: SignedData) -> SignerInfo:
    infos = signed_data.signer_infos.as_list()
    if len(infos) != 1:
        raise refusal(TrustReason.SIGNER_COUNT, f"signerInfos: expected 1, found {len(infos)}")
    (info,) = infos
    expected = 1 if isinstance(info.signer_id, IssuerAndSerial) else 3
    if info.version != expected:
        raise refusal(TrustReason.WRONG_VERSION, f"SignerInfo version: expected {expected}, found {info.version}")
    if info.unsigned_attributes is not None:
        raise refusal(TrustReason.UNSIGNED_ATTRIBUTES, "unsignedAttrs: expected none")
    return info


def _parse_digests(signed_data: SignedData, info: SignerInfo, sm2: bool) -> Digest:
    listed = signed_data.digest_algorithms.as_list()
    if len(listed) != 1:
        raise refusal(TrustReason.DIGEST_COUNT, f"digestAlgorithms: expected 1, found {len(listed)}")
    digest = parse_digest(info.digest_algorithm, "digestAlgorithm", sm2=sm2)
    if parse_digest(listed[0], "digestAlgorithms", sm2=sm2) != digest:
        raise refusal(TrustReason.DIGEST_DIFFERS, f"digestAlgorithms: expected {digest.name} as the signer has it")
    return digest


def _parse_attributes(info: SignerInfo) -> tuple[dict[str, bytes], bytes]:
    """Gives the value of each signed attribute, and the bytes that the signature is over."""
    if info.signed_attributes is None:
        raise refusal(TrustReason.NO_SIGNED_ATTRIBUTES, "signedAttrs: expected them, found none")
    values: dict[str, bytes] = {}
    for item in info.signed_attributes.as_list():
        attribute = decode(Attribute, encode(item), "signed attribute")
        oid, members = attribute.type.dotted_string, attribute.values.as_list()
        if oid in values:
            raise refusal(TrustReason.DUPLICATE_ATTRIBUTE, f"signed attribute {oid}: expected once")
        if len(members) != 1:
            raise refusal(TrustReason.MALFORMED_ATTRIBUTE, f"signed attribute {oid}: expected one value")
        values[oid] = encode(members[0])
    for oid, label in _REQUIRED_ATTRIBUTES.items():
        if oid not in values:
            raise refusal(TrustReason.MISSING_ATTRIBUTE, f"signed attribute {label}: expected it, found none")
    return values, encode(info.signed_attributes)


def _value(attributes: Mapping[str, bytes], oid: str, kind: type[Any]) -> Any:
    try:
        return any_value(attributes[oid]).parse(kind)
    except ValueError:
        raise refusal(TrustReason.MALFORMED_ATTRIBUTE, f"signed attribute {oid}: its value has another type") from None


def _parse_message_digest(attributes: Mapping[str, bytes], digest: Digest) -> bytes:
    value: bytes = _value(attributes, MESSAGE_DIGEST, bytes)
    if len(value) != digest.size_bytes:
        detail = f"messageDigest: expected {digest.size_bytes} bytes, found {len(value)}"
        raise refusal(TrustReason.HASH_LENGTH, detail)
    return value


def _parse_signing_time(attributes: Mapping[str, bytes]) -> datetime:
    """UTCTime up to 2049, GeneralizedTime after (RFC 5652, 11.3)."""
    is_utc = attributes[SIGNING_TIME][:1] == _UTC_TIME_TAG
    moment: datetime = _value(attributes, SIGNING_TIME, UTCTime if is_utc else GeneralizedTime).as_datetime()
    if is_utc != (_UTC_FROM_YEAR <= moment.year < _GENERALIZED_FROM_YEAR):
        raise refusal(TrustReason.MALFORMED_ATTRIBUTE, "signingTime: expected UTCTime up to 2049, else GeneralizedTime")
    return moment


def _parse_signer_id(info: SignerInfo) -> bytes | tuple[bytes, int]:
    if isinstance(info.signer_id, IssuerAndSerial):
        return encode(info.signer_id.issuer), info.signer_id.serial
    return info.signer_id


def _parse_certificate(signed_data: SignedData) -> x509.Certificate | None:
    if signed_data.certificates is None:
        return None
    embedded = signed_data.certificates.as_list()
    if len(embedded) != 1:
        raise refusal(TrustReason.CERTIFICATE_COUNT, f"certificates: expected 1, found {len(embedded)}")
    return load_certificate(encode(embedded[0]))


def names_certificate(message: SignedMessage, certificate: x509.Certificate) -> bool:
    """Tells whether the signer identifier of a message names this certificate.

    The name alone shows nothing: `check_signature` must hold too.
    """
    if isinstance(message.signer_id, bytes):
        return message.signer_id == _key_identifier(certificate)
    return message.signer_id == (_issuer_bytes(certificate), certificate.serial_number)


@lru_cache(maxsize=64)
def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None


@lru_cache(maxsize=64)
def _issuer_bytes(certificate: x509.Certificate) -> bytes:
    """The issuer's name as it stands in the certificate."""
    parts = decode(CertificateParts, certificate.public_bytes(Encoding.DER), "certificate")
    return encode(parts.tbs.issuer)


def check_signature(message: SignedMessage, public_key: PublicKey) -> None:
    """Checks that the content is what was signed, and that this key signed it.

    Raises:
        TrustError: MESSAGE_DIGEST_DIFFERS, KEY_DIFFERS or SIGNATURE_WRONG.
    """
    check_message_digest(message)
    verify_signature(public_key, message.scheme, message.digest, message.signature, message.signed_bytes)


def check_message_digest(message: SignedMessage) -> None:
    """Checks that the content is what the signed attributes say.

    Raises:
        TrustError: MESSAGE_DIGEST_DIFFERS.
    """
    if not compare_digest(digest_of(message.digest, message.content), message.message_digest):
        raise refusal(TrustReason.MESSAGE_DIGEST_DIFFERS, "messageDigest: expected the digest of the content")


def sign_message(
    content: bytes,
    content_type: str,
    signer: Signer,
    signing_time: datetime,
    *,
    embed_certificate: bool = True,
    extra_attributes: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """Signs content; the result passes `parse_signed`.

    Args:
        content: The content, encoded.
        content_type: Its type, dotted.
        signer: Who signs.
        signing_time: Aware moment; whole seconds count.
        embed_certificate: False leaves the certificate out and names it by its key identifier.
        extra_attributes: Further signed attributes: object identifier and encoded value.

    Raises:
        TrustError: the signer's key is not one that may issue, its certificate has no key identifier, or the
            moment has no offset from UTC.
    """
    certificate = signer.certificate
    return assemble(
        content,
        content_type,
        signer.sign,
        signing_time,
        digest=issuing_digest(check_public_key(certificate)),
        signer_id=_signer_id(certificate, embed_certificate),
        certificate=certificate.public_bytes(Encoding.DER) if embed_certificate else None,
        extra_attributes=extra_attributes,
    )


def assemble(
    content: bytes,
    content_type: str,
    sign: Callable[[bytes], bytes],
    signing_time: datetime,
    *,
    digest: Digest,
    signer_id: IssuerAndSerial | bytes,
    certificate: bytes | None,
    extra_attributes: Sequence[tuple[str, bytes]],
) -> bytes:
    """Puts a signed message together in the order of RFC 5652; `sign_message` chooses the parts.

    Args:
        content: The content, encoded.
        content_type: Its type, dotted.
        sign: Signs the signed attributes.
        signing_time: Aware moment; whole seconds count.
        digest: The digest algorithm and, with it, the signature's.
        signer_id: Issuer and serial number, or key identifier.
        certificate: The certificate to embed, DER, or None.
        extra_attributes: Further signed attributes: object identifier and encoded value.
    """
    attributes = SetOf(
        [
            _attribute(CONTENT_TYPE, encode(ObjectIdentifier(content_type))),
            _attribute(SIGNING_TIME, encode_time(signing_time)),
            _attribute(MESSAGE_DIGEST, encode(digest_of(digest, content))),
            *(_attribute(oid, value) for oid, value in extra_attributes),
        ]
    )
    identifier = HashIdentifier(algorithm=ObjectIdentifier(digest.oid), parameters=None)
    info = SignerInfo(
        version=1 if isinstance(signer_id, IssuerAndSerial) else 3,
        signer_id=signer_id,
        digest_algorithm=identifier,
        signed_attributes=attributes,
        signature_algorithm=AlgorithmIdentifier(algorithm=ObjectIdentifier(digest.ecdsa_oid), parameters=None),
        signature=sign(encode(attributes)),
        unsigned_attributes=None,
    )
    signed_data = SignedData(
        version=3,
        digest_algorithms=SetOf([identifier]),
        encapsulated=EncapsulatedContent(content_type=ObjectIdentifier(content_type), content=content),
        certificates=None if certificate is None else SetOf([any_value(certificate)]),
        lists=None,
        signer_infos=SetOf([info]),
    )
    return encode(ContentInfo(content_type=ObjectIdentifier(SIGNED_DATA), content=any_value(encode(signed_data))))


def _attribute(oid: str, value: bytes) -> Any:
    return any_value(encode(Attribute(type=ObjectIdentifier(oid), values=SetOf([any_value(value)]))))


def encode_time(moment: datetime) -> bytes:
    """Encodes a signing time to the second: UTCTime from 1950 to 2049, else GeneralizedTime.

    Raises:
        TrustError: BAD_ARGUMENT: the moment has no offset from UTC.
    """
    if moment.tzinfo is None:
        raise refusal(TrustReason.BAD_ARGUMENT, "signing time: expected an offset from UTC, found none")
    whole = moment.astimezone(UTC).replace(microsecond=0)
    is_utc = _UTC_FROM_YEAR <= whole.year < _GENERALIZED_FROM_YEAR
    return encode(UTCTime(whole) if is_utc else GeneralizedTime(whole))


def _signer_id(certificate: x509.Certificate, embed_certificate: bool) -> IssuerAndSerial | bytes:
    if embed_certificate:
        return IssuerAndSerial(issuer=any_value(_issuer_bytes(certificate)), serial=certificate.serial_number)
    identifier = _key_identifier(certificate)
    if identifier is None:
        raise refusal(TrustReason.EXTENSION_MISSING, "signer's certificate: expected a subject key identifier")
    return identifier
