"""The reference page of the security object: what is in it, and which reasons refuse it otherwise."""

from __future__ import annotations

from typing import Final, NamedTuple

from prcard.trust.reasons import TrustReason as Reason

__all__ = ["PARTS", "security_object_reference"]


class Part(NamedTuple):
    """One part of what is signed.

    Attributes:
        name: As the standard calls it.
        rule: What it must be.
        reasons: Why it is refused otherwise.
    """

    name: str
    rule: str
    reasons: tuple[Reason, ...]


PARTS: Final[dict[str, tuple[Part, ...]]] = {
    "The encoding": (
        Part("EF.SOD", "tag 0x77, then one CMS `ContentInfo`; at most 16 KiB", (Reason.WRONG_TAG, Reason.TOO_LARGE)),
        Part("all of it", "DER: shortest lengths, sorted sets, no BER", (Reason.NOT_DER, Reason.MALFORMED)),
        Part("each end", "nothing after the object, the message or the content", (Reason.TRAILING_BYTES,)),
    ),
    "The signed message (RFC 5652)": (
        Part("contentType", "id-signedData", (Reason.NOT_SIGNED_DATA,)),
        Part(
            "version",
            "3; SignerInfo 1 by issuer and serial number, 3 by key identifier; LDSSecurityObject 1, or 0 without "
            "version information",
            (Reason.WRONG_VERSION,),
        ),
        Part(
            "eContentType",
            "2.23.136.1.1.1; plain data is refused by a reason of its own",
            (Reason.WRONG_CONTENT_TYPE, Reason.ID_DATA),
        ),
        Part("eContent", "there, not detached", (Reason.CONTENT_MISSING,)),
        Part("digestAlgorithms", "exactly one, the signer's", (Reason.DIGEST_COUNT, Reason.DIGEST_DIFFERS)),
        Part(
            "certificates",
            "exactly the signer's, or none in the compact form",
            (Reason.CERTIFICATE_COUNT, Reason.CERTIFICATE_MALFORMED, Reason.CERTIFICATE_MISSING),
        ),
        Part("crls", "none", (Reason.LISTS_EMBEDDED,)),
        Part("signerInfos", "exactly one", (Reason.SIGNER_COUNT,)),
        Part(
            "sid",
            "issuer and serial number of the embedded certificate, or the key identifier of a known one",
            (Reason.SIGNER_ID_DIFFERS, Reason.SIGNER_UNKNOWN),
        ),
        Part(
            "signedAttrs",
            "contentType, signingTime and messageDigest, each once with one value; contentIdentifier for the place in "
            "a status list; others are carried along",
            (
                Reason.NO_SIGNED_ATTRIBUTES,
                Reason.MISSING_ATTRIBUTE,
                Reason.DUPLICATE_ATTRIBUTE,
                Reason.MALFORMED_ATTRIBUTE,
                Reason.CONTENT_TYPE_DIFFERS,
                Reason.MESSAGE_DIGEST_DIFFERS,
            ),
        ),
        Part("unsignedAttrs", "none", (Reason.UNSIGNED_ATTRIBUTES,)),
    ),
    "Algorithms and keys": (
        Part(
            "digest",
            "SHA-256, SHA-384 or SHA-512, the same everywhere, each digest of its length",
            (Reason.WEAK_HASH, Reason.UNSUPPORTED_HASH, Reason.HASH_LENGTH),
        ),
        Part(
            "signature",
            "ECDSA; RSA PKCS#1 v1.5 or PSS on reading",
            (Reason.UNSUPPORTED_SIGNATURE, Reason.KEY_DIFFERS, Reason.SIGNATURE_WRONG),
        ),
        Part(
            "key",
            "P-256 or P-384 by name; RSA from 2048 bits on reading",
            (Reason.ED25519, Reason.BRAINPOOL, Reason.EXPLICIT_CURVE, Reason.UNSUPPORTED_KEY, Reason.WEAK_KEY),
        ),
    ),
    "The zones": (
        Part(
            "dataGroupHashValues",
            "2 to 16, numbers 1 to 16, rising, each once: text 1, photo 2, fingerprint 3, additional addresses 13; "
            "digests are over the bytes as stored",
            (Reason.GROUP_COUNT, Reason.GROUP_NUMBER, Reason.GROUP_ORDER, Reason.GROUP_DUPLICATE),
        ),
        Part(
            "zones at hand",
            "each is listed and matches; text, photo and those that were asked for are there",
            (Reason.ZONE_DIFFERS, Reason.ZONE_INJECTED, Reason.ZONE_STRIPPED),
        ),
    ),
    "The signer's certificate (DSC) and its issuer (CSCA)": (
        Part(
            "keyUsage",
            "digitalSignature alone, critical",
            (Reason.KEY_USAGE_MISSING, Reason.KEY_USAGE_WRONG, Reason.CA_AS_SIGNER),
        ),
        Part("extKeyUsage, basicConstraints", "none", (Reason.EXTENDED_KEY_USAGE, Reason.EXTENSION_FORBIDDEN)),
        Part("subjectKeyIdentifier, authorityKeyIdentifier", "both", (Reason.EXTENSION_MISSING,)),
        Part(
            "privateKeyUsagePeriod",
            "there; the signing time is within it and not in the future",
            (Reason.USAGE_PERIOD_MISSING, Reason.SIGNED_OUTSIDE_PERIOD, Reason.SIGNED_IN_FUTURE),
        ),
        Part(
            "documentTypeList",
            "names the kind of document: `IR` for cards, `SL` for status lists",
            (Reason.DOCUMENT_TYPE_MISSING, Reason.DOCUMENT_TYPE_WRONG),
        ),
        Part(
            "names",
            "one country of two capitals, the same in subject and issuer; TEST ONLY is refused outside training",
            (Reason.NAME_MALFORMED, Reason.ISSUER_INCONSISTENT, Reason.TEST_ISSUER),
        ),
        Part("validity", "covers the moment of judging", (Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.ANCHOR_EXPIRED)),
        Part(
            "issuer",
            "a pinned CSCA, self-signed, by name, key and signature; no unknown critical extension on the way",
            (Reason.ISSUER_UNKNOWN, Reason.ISSUER_KEY_DIFFERS, Reason.ANCHOR_PROFILE, Reason.CHAIN_REFUSED),
        ),
    ),
    "Revocation": (
        Part(
            "list of revoked signers (CRL)",
            "the issuer's, at hand, fresh, no older than one seen before, and without the signer",
            (
                Reason.SIGNER_REVOKED,
                Reason.CRL_MISSING,
                Reason.CRL_STALE,
                Reason.CRL_EARLY,
                Reason.CRL_ROLLBACK,
                Reason.CRL_PROFILE,
            ),
        ),
        Part(
            "status list of cards",
            "named in the signed attributes, at hand, trusted, fresh, no older than one seen before; the card is valid",
            (
                Reason.CARD_REVOKED,
                Reason.CARD_SUSPENDED,
                Reason.CARD_REPLACED,
                Reason.NO_STATUS_REFERENCE,
                Reason.STATUS_MISSING,
                Reason.STATUS_STALE,
                Reason.STATUS_EARLY,
                Reason.STATUS_ROLLBACK,
                Reason.STATUS_MALFORMED,
                Reason.STATUS_INDEX,
                Reason.STATUS_UNTRUSTED,
            ),
        ),
    ),
    "A security object in the fingerprint zone": (
        Part(
            "zone",
            "512 or 1024 bytes; EF.SOD from the first byte, then zeros",
            (Reason.NOT_A_CARRIER, Reason.CARRIER_FULL),
        ),
        Part("card", "has a security object, beside the zones or there", (Reason.NO_SECURITY_OBJECT,)),
    ),
}
"""Title -> the parts under it."""


def security_object_reference() -> str:
    """Gives the page as Markdown: every part, its rule, and the reasons that refuse it otherwise."""
    lines = [
        "<!-- GENERATED by make generate from prcard.trust.reference; do not edit. -->",
        "# The security object",
        "",
        "A security object (EF.SOD of ICAO Doc 9303-10) holds one digest for each zone of a card, signed by a document",
        "signer whose certificate a configured issuer signed. What that shows and what not:",
        "[What a signature means](../explanation/signature.md). Reading is strict: whatever departs from this page is",
        "refused, and each departure has a reason of its own. A missing or old list gives INDETERMINATE, never PASSED.",
        "",
        "`fixtures/trust/refused` holds a sample of each defect, named by it; `refused.json` there says which check",
        "refuses it and why.",
    ]
    for title, parts in PARTS.items():
        lines += ["", f"## {title}", "", "| part | what it must be | refused as |", "|---|---|---|"]
        for part in parts:
            reasons = "<br>".join(f"`{reason.value}`: {reason.en}" for reason in part.reasons)
            lines.append(f"| {part.name} | {part.rule} | {reasons} |")
    return "\n".join(lines) + "\n"
