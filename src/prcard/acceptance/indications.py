"""What a reason amounts to: the distinct kinds of bad and of unknown, which call for different acts.

Source: the idea of sub-indications, and the names beside ours, from ETSI EN 319 102-1, clause 5.1.3; kinds that a card
has and a signature has not are ours.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final, Self

__all__ = ["Indication", "indication_of", "is_grouped"]


@unique
class Indication(Enum):
    """A kind; the value is the code that programs see.

    Attributes:
        zh: Its name in Chinese.
        en: Its name in English.
        etsi: The sub-indication of ETSI EN 319 102-1 that comes nearest; "" where there is none.
    """

    zh: str
    en: str
    etsi: str

    def __new__(cls, code: str, zh: str, en: str, etsi: str = "") -> Self:
        """Makes a member whose value is the code alone."""
        member = object.__new__(cls)
        member._value_ = code
        member.zh, member.en, member.etsi = zh, en, etsi
        return member

    IN_ORDER = "in-order", "正常", "in order"
    REMARK = "remark", "提示", "good, with a remark"
    MALFORMED = "malformed", "格式错误", "malformed", "FORMAT_FAILURE"
    UNKNOWN_EDITION = "unknown-edition", "未知版本", "unknown edition"
    CONTRADICTORY = "contradictory", "内容矛盾", "parts contradict each other"
    FORGED = "forged", "被篡改或伪造", "forged or changed", "SIG_CRYPTO_FAILURE"
    WEAK = "weak-cryptography", "算法不可接受", "cryptography not accepted", "CRYPTO_CONSTRAINTS_FAILURE"
    UNTRUSTED = "untrusted", "签名者不可信", "signer not trusted", "CHAIN_CONSTRAINTS_FAILURE"
    EXPIRED = "expired", "已过期", "expired", "EXPIRED"
    NOT_YET_VALID = "not-yet-valid", "尚未生效", "not yet valid", "NOT_YET_VALID"
    REVOKED = "revoked", "已撤销", "revoked", "REVOKED"
    SUSPENDED = "suspended", "已暂停", "suspended", "TRY_LATER"
    REPLACED = "replaced", "已换发", "replaced", "REVOKED"
    SIMULATED = "simulated", "模拟数据", "simulated"
    SPECIMEN = "specimen", "样本", "specimen"
    TEST_ONLY = "test-only", "测试签发者", "test issuer"
    STALE_LIST = "stale-list", "列表过期或缺失", "list stale or missing", "TRY_LATER"
    UNATTESTED = "unattested", "无来源证明", "nobody vouches for the data"
    NO_MATCH = "no-match", "核查不一致", "does not match"
    NOT_AVAILABLE = "not-available", "无答复", "no answer"
    UNDECIDED = "undecided", "须人工判断", "a person must look"
    NOT_CHECKED = "not-checked", "未检查", "not checked"
    OPERATION = "operation", "操作失败，与证件无关", "an operation failed; no word on a card"


_GROUPS: Final = {
    Indication.IN_ORDER: "in-order",
    Indication.REMARK: "unusual-characters reserved-not-blank nationality-unknown validity-unusual unknown-code "
    "validity-rule-unknown specimen-photo training-material evidence-not-asked face-score-only",
    Indication.MALFORMED: "text-zone-length photo-zone-length fingerprint-zone-length extra-zone-length malformed "
    "does-not-build-back number-form-wrong too-large wrong-tag malformed-structure not-der trailing-bytes "
    "wrong-version not-signed-data content-type-id-data wrong-content-type content-missing lists-embedded "
    "certificate-count certificate-malformed signer-count signer-id-differs digest-count "
    "no-signed-attributes unsigned-attributes missing-attribute duplicate-attribute malformed-attribute "
    "content-type-differs digest-algorithm-differs hash-length data-group-count data-group-number "
    "data-group-duplicate data-group-order not-a-carrier",
    Indication.UNKNOWN_EDITION: "unknown-edition",
    Indication.CONTRADICTORY: "check-digit-wrong birth-differs nationality-differs sex-differs region-differs "
    "birth-after-issue expiry-before-issue validity-too-long",
    Indication.FORGED: "message-digest-differs signature-wrong zone-differs zone-stripped zone-injected "
    "issuer-key-differs key-kind-differs signed-in-the-future signed-outside-usage-period",
    Indication.WEAK: "weak-hash unsupported-hash ed25519 brainpool explicit-curve unsupported-key weak-key "
    "unsupported-signature",
    Indication.UNTRUSTED: "key-usage-missing key-usage-wrong extended-key-usage ca-as-signer extension-missing "
    "extension-forbidden name-malformed usage-period-missing document-type-missing document-type-wrong "
    "certificate-expired certificate-not-yet-valid issuer-unknown issuer-inconsistent anchor-expired "
    "chain-refused signer-revoked signer-unknown",
    Indication.EXPIRED: "expired",
    Indication.NOT_YET_VALID: "not-yet-valid",
    Indication.REVOKED: "card-revoked",
    Indication.SUSPENDED: "card-suspended",
    Indication.REPLACED: "card-replaced",
    Indication.SIMULATED: "simulated-reader online-stand-in",
    Indication.SPECIMEN: "specimen-card",
    Indication.TEST_ONLY: "test-issuer",
    Indication.STALE_LIST: "crl-missing crl-stale crl-not-yet-valid crl-rollback status-list-missing "
    "status-list-stale status-list-not-yet-valid status-list-rollback "
    "status-index-out-of-range status-list-untrusted",
    Indication.UNATTESTED: "sam-not-listed sam-unknown no-reader-registered signature-needed no-security-object",
    Indication.NO_MATCH: "online-no-match",
    Indication.NOT_AVAILABLE: "online-not-available",
    Indication.UNDECIDED: "photo-blank photo-unknown face-score-low",
    Indication.NOT_CHECKED: "needs-record needs-earlier-check no-trust-store photo-missing online-not-asked "
    "face-not-compared no-status-reference",
    Indication.OPERATION: "bad-argument budget-spent zone-unknown zone-missing carrier-too-small proof-wrong "
    "link-wrong anchor-profile crl-profile status-list-malformed certificate-missing no-anchor seen-malformed "
    "secret-missing passphrase-too-short passphrase-wrong key-not-encrypted key-malformed key-missing key-exists "
    "hsm-support-not-installed hsm-module-missing token-missing token-removed token-refused pin-wrong pin-locked "
    "count-missing count-malformed output-exists file-unusable store-unreachable store-malformed "
    "store-untrusted store-differs store-rollback store-busy extra-missing",
}
_OF: Final = {code: indication for indication, codes in _GROUPS.items() for code in codes.split()}


def is_grouped(reason: str) -> bool:
    """Tells whether a reason stands in a group; a test asks it of every one."""
    return reason in _OF


def indication_of(reason: str) -> Indication:
    """Gives the kind of a reason; a reason that is in no group counts as untrusted, which accepts nothing."""
    return _OF.get(reason, Indication.UNTRUSTED)
