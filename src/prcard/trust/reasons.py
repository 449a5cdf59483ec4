"""Every reason why signed data are refused or cannot be judged, as a stable code with its text in two languages."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final, Self

from prcard.errors import TrustError

__all__ = ["TrustReason", "reason_of", "refusal"]

_REPORT: Final = (
    "请勿采信，保留读取结果并报告签发机构。",
    "Do not rely on the data; keep the capture and tell the issuer.",
)
_UPDATE: Final = ("请更新信任文件夹后再试。", "Update the trust folder and try again.")
_ISSUER: Final = ("请向签发机构索取符合规范的证书。", "Ask the issuer for a certificate that follows the profile.")
_READ: Final = ("请连同所有数据区再读一次。", "Read the card again, with all its zones.")
_SIGNING: Final = ("请更换签名者。", "Use another signer.")
_NONE: Final = ("", "")
_KEY: Final = ("请检查密钥、口令和密码设备后再试。", "Check the key and how it is unlocked, then try again.")
_TOKEN: Final = ("请接好密码设备后再试。", "Connect the token and try again.")
_STORE: Final = (
    "原信任文件夹未变；请向发布方核实。",
    "The old trust folder is kept; ask the back office about the new one.",
)
_OTHER_NAME: Final = ("请换一个名称；已有文件不会被覆盖。", "Choose another name; nothing is overwritten.")


@unique
class TrustReason(Enum):
    """Why; the value is the code that programs see.

    Attributes:
        zh: What it means, in Chinese.
        en: What it means, in English.
        advice_zh: What to do, in Chinese; "" when there is nothing to do.
        advice_en: What to do, in English; "" when there is nothing to do.
    """

    zh: str
    en: str
    advice_zh: str
    advice_en: str

    def __new__(cls, code: str, zh: str, en: str, advice: tuple[str, str]) -> Self:
        """Makes a member whose value is the code alone."""
        member = object.__new__(cls)
        member._value_ = code
        member.zh, member.en = zh, en
        member.advice_zh, member.advice_en = advice
        return member

    # The encoding
    TOO_LARGE = "too-large", "超过长度上限", "it is longer than the limit", _REPORT
    WRONG_TAG = "wrong-tag", "首字节不是约定的标签", "it does not begin with its tag", _REPORT
    MALFORMED = "malformed-structure", "结构无法解析", "its structure cannot be read", _REPORT
    NOT_DER = "not-der", "不是 DER 编码", "it is BER but not DER", _REPORT
    TRAILING_BYTES = "trailing-bytes", "结构之后还有多余字节", "bytes follow its end", _REPORT
    WRONG_VERSION = "wrong-version", "版本号不符", "a version number is wrong", _REPORT

    # The signed message
    NOT_SIGNED_DATA = "not-signed-data", "不是签名消息", "the message is not SignedData", _REPORT
    ID_DATA = "content-type-id-data", "内容类型为普通数据", "the content is marked as plain data", _REPORT
    WRONG_CONTENT_TYPE = "wrong-content-type", "内容类型不符", "the content is of another type", _REPORT
    CONTENT_MISSING = "content-missing", "没有内容", "the message holds no content", _REPORT
    LISTS_EMBEDDED = "lists-embedded", "消息内含撤销列表", "the message embeds revocation lists", _REPORT
    CERTIFICATE_COUNT = "certificate-count", "内含证书不止一张", "the message embeds more than one certificate", _REPORT
    CERTIFICATE_MISSING = "certificate-missing", "没有内含证书", "the message embeds no certificate", _REPORT
    CERTIFICATE_MALFORMED = "certificate-malformed", "证书无法解析", "the certificate cannot be read", _REPORT
    SIGNER_COUNT = "signer-count", "签名者不是一个", "the message has not exactly one signer", _REPORT
    SIGNER_ID_DIFFERS = (
        "signer-id-differs",
        "签名者标识指向另一证书",
        "the signer identifier names another certificate",
        _REPORT,
    )
    DIGEST_COUNT = "digest-count", "摘要算法不是一个", "the message has not exactly one digest algorithm", _REPORT
    NO_SIGNED_ATTRIBUTES = "no-signed-attributes", "没有签名属性", "it has no signed attributes", _REPORT
    UNSIGNED_ATTRIBUTES = "unsigned-attributes", "含未签名属性", "it has unsigned attributes", _REPORT
    MISSING_ATTRIBUTE = "missing-attribute", "缺少必需的签名属性", "a signed attribute is missing", _REPORT
    DUPLICATE_ATTRIBUTE = "duplicate-attribute", "签名属性重复", "a signed attribute occurs twice", _REPORT
    MALFORMED_ATTRIBUTE = "malformed-attribute", "签名属性不合规范", "a signed attribute is malformed", _REPORT
    CONTENT_TYPE_DIFFERS = (
        "content-type-differs",
        "签名属性中的内容类型不符",
        "the signed content type is another",
        _REPORT,
    )
    MESSAGE_DIGEST_DIFFERS = (
        "message-digest-differs",
        "内容与签名属性中的摘要不符",
        "the content has another digest",
        _REPORT,
    )

    # Algorithms and keys
    WEAK_HASH = "weak-hash", "摘要算法已不安全（SHA-1、MD5）", "SHA-1 or MD5 is used", _REPORT
    UNSUPPORTED_HASH = "unsupported-hash", "不支持的摘要算法", "the digest algorithm is not supported", _REPORT
    DIGEST_DIFFERS = "digest-algorithm-differs", "各处摘要算法不一致", "digest algorithms differ within it", _REPORT
    HASH_LENGTH = "hash-length", "摘要长度与算法不符", "a digest has not the length of its algorithm", _REPORT
    ED25519 = "ed25519", "不接受 Ed25519/Ed448", "Ed25519 and Ed448 are not accepted", _ISSUER
    BRAINPOOL = "brainpool", "不接受 Brainpool 曲线", "Brainpool curves are not accepted", _ISSUER
    EXPLICIT_CURVE = "explicit-curve", "椭圆曲线参数为显式给出", "the curve is given by explicit parameters", _ISSUER
    UNSUPPORTED_KEY = "unsupported-key", "不支持的密钥或曲线", "the key or curve is not supported", _ISSUER
    WEAK_KEY = "weak-key", "密钥过短", "the key is too short", _ISSUER
    UNSUPPORTED_SIGNATURE = (
        "unsupported-signature",
        "不支持的签名算法",
        "the signature algorithm is not supported",
        _REPORT,
    )
    KEY_DIFFERS = "key-kind-differs", "签名算法与密钥种类不符", "the signature algorithm does not fit the key", _REPORT
    SIGNATURE_WRONG = "signature-wrong", "签名错误", "the signature is wrong", _REPORT

    # The security object and the zones
    GROUP_COUNT = (
        "data-group-count",
        "数据组少于 2 个或多于 16 个",
        "it lists fewer than 2 or more than 16 groups",
        _REPORT,
    )
    GROUP_NUMBER = "data-group-number", "数据组编号不在 1–16 之内", "a data group number is not 1 to 16", _REPORT
    GROUP_DUPLICATE = "data-group-duplicate", "数据组编号重复", "a data group is listed twice", _REPORT
    GROUP_ORDER = "data-group-order", "数据组未按编号排列", "data groups are not in order", _REPORT
    ZONE_UNKNOWN = "zone-unknown", "未知的数据区名称", "no zone has this name", _NONE
    ZONE_MISSING = "zone-missing", "缺少必需的数据区", "a zone that must be signed is missing", _NONE
    ZONE_DIFFERS = "zone-differs", "数据区与签名时不同", "a zone is not what was signed", _REPORT
    ZONE_STRIPPED = "zone-stripped", "已签名的数据区缺失", "a signed zone is missing", _READ
    ZONE_INJECTED = "zone-injected", "数据区未经签名", "a zone is present that was not signed", _REPORT
    NOT_A_CARRIER = "not-a-carrier", "该数据区不含安全对象", "the zone carries no security object", _NONE
    CARRIER_FULL = "carrier-too-small", "数据区放不下安全对象", "the security object does not fit the zone", _NONE

    # The certificate chain
    SIGNER_UNKNOWN = "signer-unknown", "没有该签名者的证书", "the signer's certificate is not at hand", _UPDATE
    KEY_USAGE_MISSING = "key-usage-missing", "签名者证书没有密钥用途", "the signer has no key usage", _ISSUER
    KEY_USAGE_WRONG = (
        "key-usage-wrong",
        "签名者证书密钥用途不符",
        "the signer's key usage is not digital signature alone",
        _ISSUER,
    )
    EXTENDED_KEY_USAGE = (
        "extended-key-usage",
        "签名者证书含扩展密钥用途",
        "the signer has an extended key usage",
        _ISSUER,
    )
    CA_AS_SIGNER = "ca-as-signer", "签发机构证书被用作签名者", "a CA certificate was used as signer", _ISSUER
    EXTENSION_MISSING = "extension-missing", "证书缺少必需的扩展", "the certificate lacks an extension", _ISSUER
    EXTENSION_FORBIDDEN = (
        "extension-forbidden",
        "签名者证书含不允许的扩展",
        "the signer has an extension too many",
        _ISSUER,
    )
    NAME_MALFORMED = "name-malformed", "证书名称不合规范", "a name in the certificate is malformed", _ISSUER
    USAGE_PERIOD_MISSING = "usage-period-missing", "签名者证书没有私钥使用期", "the signer has no usage period", _ISSUER
    DOCUMENT_TYPE_MISSING = (
        "document-type-missing",
        "签名者证书没有证件种类",
        "the signer has no document types",
        _ISSUER,
    )
    DOCUMENT_TYPE_WRONG = (
        "document-type-wrong",
        "签名者无权签署此类证件",
        "the signer may not sign this kind of document",
        _ISSUER,
    )
    EXPIRED = "certificate-expired", "签名者证书已过期", "the signer's certificate has expired", _ISSUER
    NOT_YET_VALID = (
        "certificate-not-yet-valid",
        "签名者证书尚未生效",
        "the signer's certificate is not yet valid",
        _ISSUER,
    )
    ISSUER_UNKNOWN = "issuer-unknown", "签发机构不在信任之列", "the issuer is not among the trusted ones", _UPDATE
    ISSUER_KEY_DIFFERS = (
        "issuer-key-differs",
        "签发机构名称相同而密钥不同",
        "the issuer's name fits, but not its key",
        _REPORT,
    )
    ISSUER_INCONSISTENT = (
        "issuer-inconsistent",
        "签名者与签发机构国别不一致",
        "signer and issuer name different countries",
        _ISSUER,
    )
    ANCHOR_PROFILE = (
        "anchor-profile",
        "签发机构证书不合规范",
        "the issuer's certificate departs from the profile",
        _ISSUER,
    )
    ANCHOR_EXPIRED = "anchor-expired", "签发机构证书不在有效期内", "the issuer's certificate is not valid now", _UPDATE
    CHAIN_REFUSED = "chain-refused", "证书链验证失败", "the certificate chain does not verify", _REPORT
    LINK_WRONG = (
        "link-wrong",
        "换代证书与新旧签发机构不符",
        "the link certificate does not join the two issuers",
        _ISSUER,
    )
    SIGNED_OUTSIDE_PERIOD = (
        "signed-outside-usage-period",
        "签名时间不在私钥使用期内",
        "it was signed outside the signer's usage period",
        _REPORT,
    )
    SIGNED_IN_FUTURE = "signed-in-the-future", "签名时间晚于现在", "it was signed later than now", _REPORT
    TEST_ISSUER = "test-issuer", "测试用签发机构", "the issuer is for tests only", _REPORT

    # Revocation
    SIGNER_REVOKED = "signer-revoked", "签名者已被撤销", "the signer is revoked", _REPORT
    CRL_MISSING = "crl-missing", "没有签名者撤销列表", "there is no list of revoked signers", _UPDATE
    CRL_STALE = "crl-stale", "签名者撤销列表已过期", "the list of revoked signers is out of date", _UPDATE
    CRL_EARLY = "crl-not-yet-valid", "签名者撤销列表尚未生效", "the list of revoked signers is from the future", _UPDATE
    CRL_ROLLBACK = (
        "crl-rollback",
        "签名者撤销列表比已见过的旧",
        "an older list of revoked signers than seen before",
        _UPDATE,
    )
    CRL_PROFILE = (
        "crl-profile",
        "签名者撤销列表不合规范",
        "the list of revoked signers departs from the profile",
        _ISSUER,
    )
    CARD_REVOKED = "card-revoked", "证件已被撤销", "the card is revoked", _REPORT
    CARD_SUSPENDED = "card-suspended", "证件已被暂停使用", "the card is suspended", _REPORT
    CARD_REPLACED = "card-replaced", "证件已被换发", "the card was replaced", _REPORT
    NO_STATUS_REFERENCE = (
        "no-status-reference",
        "签名中没有状态序号",
        "the signature names no entry of a status list",
        _NONE,
    )
    STATUS_MISSING = "status-list-missing", "没有证件状态列表", "there is no status list", _UPDATE
    STATUS_STALE = "status-list-stale", "证件状态列表已过期", "the status list is out of date", _UPDATE
    STATUS_EARLY = "status-list-not-yet-valid", "证件状态列表尚未生效", "the status list is from the future", _UPDATE
    STATUS_ROLLBACK = (
        "status-list-rollback",
        "证件状态列表比已见过的旧",
        "an older status list than seen before",
        _UPDATE,
    )
    STATUS_MALFORMED = "status-list-malformed", "证件状态列表不合规范", "the status list is malformed", _UPDATE
    STATUS_INDEX = (
        "status-index-out-of-range",
        "状态序号超出列表",
        "the index is beyond the end of the status list",
        _UPDATE,
    )
    STATUS_UNTRUSTED = (
        "status-list-untrusted",
        "证件状态列表的签名者不可信",
        "the status list's signer is not trusted",
        _UPDATE,
    )

    # The integrity log
    PROOF_WRONG = "proof-wrong", "证明与根不符", "the proof does not lead to the root", _REPORT

    # Signing
    BUDGET_SPENT = "budget-spent", "签名次数已用完", "the signer has signed as often as it may", _SIGNING
    BAD_ARGUMENT = "bad-argument", "参数不合规范", "an argument is not as it must be", _NONE

    # Keys
    SECRET_MISSING = (
        "secret-missing",
        "没有得到口令或 PIN",
        "no passphrase or PIN was given",
        (
            "请在终端输入，或用 --passphrase-fd 或 --pin-fd。",
            "Type it on a terminal, or give --passphrase-fd or --pin-fd.",
        ),
    )
    PASSPHRASE_SHORT = (
        "passphrase-too-short",
        "口令过短",
        "the passphrase is too short",
        ("请选用更长的口令。", "Choose a longer one, for instance five random words."),
    )
    PASSPHRASE_WRONG = (
        "passphrase-wrong",
        "口令错误",
        "the passphrase is wrong",
        ("请核对口令和密钥文件。", "Check that passphrase and key file belong together."),
    )
    KEY_NOT_ENCRYPTED = (
        "key-not-encrypted",
        "密钥文件未加密",
        "the key file is not encrypted",
        ("请用 openssl pkcs8 -topk8 -v2 aes-256-cbc 加密。", "Encrypt it: openssl pkcs8 -topk8 -v2 aes-256-cbc."),
    )
    KEY_MALFORMED = (
        "key-malformed",
        "密钥文件无法解析",
        "the key cannot be read",
        ("请提供加密的 PKCS#8 PEM 文件。", "Give an encrypted PKCS#8 file in PEM."),
    )
    KEY_MISSING = "key-missing", "没有找到密钥", "there is no such key", _KEY
    KEY_EXISTS = (
        "key-exists",
        "同名密钥已存在",
        "a key of this name exists already",
        (
            "请换一个标签，或加 --existing-key 使用该密钥。",
            "Choose another label, or use that key with --existing-key.",
        ),
    )
    HSM_SUPPORT_MISSING = (
        "hsm-support-not-installed",
        "未安装 PKCS#11 支持",
        "support for PKCS#11 is not installed",
        ("请安装：pip install prcard[hsm]。", "Install it: pip install prcard[hsm]."),
    )
    MODULE_MISSING = (
        "hsm-module-missing",
        "PKCS#11 模块无法加载",
        "the PKCS#11 module cannot be loaded",
        ("请检查 --pkcs11 的路径，应为厂商的 .so 文件。", "Check the path after --pkcs11: the vendor's .so file."),
    )
    TOKEN_MISSING = (
        "token-missing",
        "没有找到密码设备",
        "there is no such token",
        ("请检查 --token 的标签，以及设备是否接好。", "Check the label after --token and that the token is connected."),
    )
    TOKEN_REMOVED = "token-removed", "密码设备已断开", "the token is gone", _TOKEN
    TOKEN_REFUSED = "token-refused", "密码设备拒绝操作", "the token refuses the operation", _TOKEN
    PIN_WRONG = (
        "pin-wrong",
        "PIN 错误",
        "the PIN is wrong",
        ("请核对后再试；多次错误会锁定设备。", "Check it before another try: a token locks after a few."),
    )
    PIN_LOCKED = (
        "pin-locked",
        "PIN 已锁定",
        "the PIN is locked",
        ("请由安全管理员解锁。", "Its security officer can unlock it."),
    )
    COUNT_MISSING = (
        "count-missing",
        "没有签名计数文件",
        "the file that counts the signatures is not there",
        (
            "请放回计数文件；若已丢失，请签发新的签名者。",
            "Put it back beside the certificate; if it is lost, issue a new signer.",
        ),
    )
    COUNT_MALFORMED = (
        "count-malformed",
        "签名计数文件不合规范",
        "the file that counts the signatures is malformed",
        (
            "请从备份恢复；若无备份，请签发新的签名者。",
            "Restore the newest copy; if there is none, issue a new signer.",
        ),
    )
    OUTPUT_EXISTS = "output-exists", "输出文件已存在", "the output exists already", _OTHER_NAME
    FILE_UNUSABLE = (
        "file-unusable",
        "文件无法读写",
        "a file cannot be used",
        ("请检查路径、权限和空间。", "Check its path, its rights and the space left."),
    )

    # Trust folders
    NO_ANCHOR = (
        "no-anchor",
        "信任文件夹中没有签发机构",
        "the trust folder pins no issuer",
        (
            "请先核对指纹，再用 prcard trust anchor add 加入。",
            "Compare the issuer's fingerprint, then pin it: prcard trust anchor add.",
        ),
    )
    STORE_UNREACHABLE = (
        "store-unreachable",
        "无法取得发布的信任文件夹",
        "the published store cannot be fetched",
        ("原信任文件夹未变；请检查地址和网络。", "The old trust folder is kept; check address and network."),
    )
    STORE_MALFORMED = "store-malformed", "发布清单不合规范", "the manifest is malformed", _STORE
    STORE_UNTRUSTED = "store-untrusted", "发布清单的签名者不可信", "the manifest's signer is not trusted", _STORE
    STORE_DIFFERS = "store-differs", "文件与发布清单不符", "a file is not what the manifest lists", _STORE
    STORE_ROLLBACK = "store-rollback", "发布版本比已见过的旧", "the published version is older than seen before", _STORE
    STORE_BUSY = (
        "store-busy",
        "信任文件夹正在更新",
        "the trust folder is being updated",
        ("请稍候再试。", "Try again in a moment."),
    )
    SEEN_MALFORMED = (
        "seen-malformed",
        "已见编号文件不合规范",
        "the file of the highest numbers seen is malformed",
        ("请从备份恢复该文件。", "Restore that file; without it an old list cannot be told from a new one."),
    )

    # What this installation lacks
    EXTRA_MISSING = (
        "extra-missing",
        "未安装 SM2 组件",
        "the package for SM2 is not installed",
        ("请安装 prcard[sm2]。", "Install prcard[sm2]."),
    )

    # Outcomes of checks that refuse nothing
    IN_ORDER = "in-order", "正常", "in order", _NONE
    NO_SECURITY_OBJECT = "no-security-object", "没有安全对象", "there is no security object", _NONE
    NEEDS_EARLIER = (
        "needs-earlier-check",
        "前一项检查未通过，未检查",
        "not checked, since an earlier check did not pass",
        _NONE,
    )


def refusal(reason: TrustReason, detail: str) -> TrustError:
    """Makes the error of a reason.

    Args:
        reason: The reason.
        detail: What was expected and found, naming the field or byte, without a full stop; no personal data.
    """
    return TrustError(reason.value, f"{reason.en}: {detail}", reason.advice_en)


_BY_CODE: Final = {reason.value: reason for reason in TrustReason}


def reason_of(error: TrustError) -> TrustReason:
    """Gives the reason that an error of this package was made of."""
    return _BY_CODE[error.reason]
