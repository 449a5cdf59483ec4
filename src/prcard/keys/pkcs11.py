"""Keys in a PKCS#11 token (HSM, smart card, SoftHSM2): made there, sensitive, never extractable; they only sign.

Each thread has a session of its own, because calls on one session wait for each other; each process logs in for itself,
because a session does not survive a fork. The PIN is asked for at every login and kept nowhere.

python-pkcs11 initialises a module as if one thread used it (C_Initialize without arguments), which makes modules crash
when several do. So it is initialised once more, with locking (CKF_OS_LOCKING_OK); where a module refuses that, calls
take turns.

Source: PKCS#11 v2.40, mechanism CKM_ECDSA over a digest, which every token has; observed with SoftHSM 2.6.1.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from prcard.keys.external import ExternalKey
from prcard.keys.pem import CURVES
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    from prcard.errors import TrustError
    from prcard.keys.secret import Ask

__all__ = ["Token"]

_CURVE_NAMES: Final = {"p256": "secp256r1", "p384": "secp384r1"}
MAX_KEYS: Final = 1000
"""The most keys of one token that are looked through."""


class Token:
    """One token, found by its label, with a session for each thread that uses it.

    Close it, or use it in a `with` block; keys that came from it do not sign afterwards.
    """

    def __init__(self, module: Path, label: str, ask: Ask) -> None:
        """Loads the module and finds the token; the PIN is asked for at the first use of a key.

        Args:
            module: The vendor's PKCS#11 library.
            label: Label of the token.
            ask: Gives the PIN; called once for each process that uses the token, and again after the token was gone.

        Raises:
            TrustError: HSM_SUPPORT_MISSING, MODULE_MISSING or TOKEN_MISSING.
        """
        self.module = module
        self.label = label
        self._ask = ask
        self._pkcs11 = _binding()
        self._process = os.getpid()
        self._library = self._load()
        self._lock = threading.Lock()
        self._turn: contextlib.AbstractContextManager[object] = _allow_threads(module)
        self._logins: list[Any] = []
        self._local = threading.local()
        self._token = self._find()
        _tokens.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Token({self.label!r})"

    def close(self) -> None:
        """Logs out; keys of this token sign no more until the next use logs in again."""
        with self._lock:
            logins, self._logins, self._local = self._logins, [], threading.local()
        if self._process != os.getpid():
            return
        for other in _tokens:
            # A token knows processes, not objects: to log out here would log out the other as well.
            if other is not self and other._shares(self):
                other._logins.extend(logins)
                return
        for login in logins:
            with contextlib.suppress(self._pkcs11.PKCS11Error):  # what is gone need not be closed
                login.close()

    def _shares(self, other: Token) -> bool:
        """Tells whether both are logged in to one token in this process."""
        same = (self.module, self.label, self._process) == (other.module, other.label, other._process)
        return same and bool(self._logins)

    def labels(self) -> list[str]:
        """Lists the labels of the private keys in the token.

        Raises:
            TrustError: the token cannot be used.
        """
        wanted = {self._pkcs11.Attribute.CLASS: self._pkcs11.ObjectClass.PRIVATE_KEY}
        found: list[str] = self._translated(
            lambda: sorted(key.label for key in _first(self._session().get_objects(wanted)))
        )
        return found

    def generate_key(self, label: str, curve: str) -> ExternalKey:
        """Makes a key pair in the token: sensitive, not extractable, for signing only.

        Args:
            label: Label of the new key; none may have it yet.
            curve: `p256` or `p384`.

        Raises:
            TrustError: KEY_EXISTS, BAD_ARGUMENT, or the token cannot be used.
        """
        if curve not in _CURVE_NAMES or not label:
            raise refusal(TrustReason.BAD_ARGUMENT, f"key: expected a label and {' or '.join(_CURVE_NAMES)}")
        if label in self.labels():
            raise refusal(TrustReason.KEY_EXISTS, f"token {self.label}: expected no key of label {label}, found one")
        self._translated(lambda: self._generate(label, curve))
        return self.key(label)

    def _generate(self, label: str, curve: str) -> None:
        from pkcs11.util.ec import encode_named_curve_parameters

        names = self._pkcs11.Attribute
        self._session()  # logs in, for every session of this process
        session = self._token.open(rw=True)
        parameters = session.create_domain_parameters(
            self._pkcs11.KeyType.EC, {names.EC_PARAMS: encode_named_curve_parameters(_CURVE_NAMES[curve])}, local=True
        )
        only_signs = {
            names.SENSITIVE: True,
            names.EXTRACTABLE: False,
            names.PRIVATE: True,
            names.SIGN: True,
            names.DERIVE: False,
        }
        try:
            parameters.generate_keypair(
                store=True,
                label=label,
                id=os.urandom(8),
                private_template=only_signs,
                public_template={names.VERIFY: True},
            )
        finally:
            session.close()

    def key(self, label: str) -> ExternalKey:
        """Gives the key of this label; it can be used from any thread, and in a child process after a fork.

        Raises:
            TrustError: KEY_MISSING, naming those there are; KEY_MALFORMED: the key could be taken out of the token;
                or the token cannot be used.
        """
        key: ExternalKey = self._translated(lambda: self._key(label))
        return key

    def _key(self, label: str) -> ExternalKey:
        names = self._pkcs11.Attribute
        private = self._private(label)
        if private[names.EXTRACTABLE] or not private[names.SENSITIVE]:
            detail = f"key {label}: expected one that cannot leave the token, found one that is extractable"
            raise refusal(TrustReason.KEY_MALFORMED, detail)
        public = self._one(self._pkcs11.ObjectClass.PUBLIC_KEY, label)
        return ExternalKey(_public_key(public[names.EC_PARAMS], public[names.EC_POINT]), self._signing_with(label))

    def _signing_with(self, label: str) -> Callable[[bytes], bytes]:
        mechanism = self._pkcs11.Mechanism.ECDSA

        def sign(digest: bytes) -> bytes:
            signature: bytes = self._translated(lambda: self._cached(label).sign(digest, mechanism=mechanism))
            return signature

        return sign

    def _cached(self, label: str) -> Any:
        """The handle of a key in this thread's session."""
        self._session()
        handles: dict[str, Any] = self._local.held.handles
        if label not in handles:
            handles[label] = self._private(label)
        return handles[label]

    def _private(self, label: str) -> Any:
        return self._one(self._pkcs11.ObjectClass.PRIVATE_KEY, label)

    def _one(self, kind: Any, label: str) -> Any:
        names = self._pkcs11.Attribute
        found = list(_first(self._session().get_objects({names.CLASS: kind, names.LABEL: label})))
        if len(found) != 1:
            others = ", ".join(self.labels()) or "none"
            detail = f"token {self.label}: expected one key of label {label}, found {len(found)}; its keys: {others}"
            raise refusal(TrustReason.KEY_MISSING, detail)
        return found[0]

    # Sessions

    def _session(self) -> Any:
        """This thread's session; the first one of a process logs in, and stays open until `close`."""
        with self._lock:
            if self._process != os.getpid():
                self._after_fork()
            if not self._logins:
                self._local = threading.local()
                self._logins = [self._log_in()]
            local = self._local
        if not hasattr(local, "held"):
            local.held = _ThreadSession(self._token.open())
        return local.held.session

    def _log_in(self) -> Any:
        secret = self._ask()
        try:
            # The binding takes text; a PIN is text in UTF-8 (PKCS#11 v2.40, 2.1).
            return self._token.open(user_pin=secret.reveal().decode("utf-8", "surrogateescape"))
        except self._pkcs11.UserAlreadyLoggedIn:
            # Another `Token` of this process has logged in.
            return self._token.open()

    def _after_fork(self) -> None:
        """A child shares nothing with the token: the library is initialised again, and the child logs in."""
        self._process, self._logins, self._local = os.getpid(), [], threading.local()
        self._library.reinitialize()
        self._turn = _allow_threads(self.module)
        self._token = self._find()

    def _load(self) -> Any:
        try:
            return self._pkcs11.lib(str(self.module))
        except Exception as error:  # the binding raises its own kinds and RuntimeError alike
            detail = f"{self.module}: expected a PKCS#11 library that starts, found {_kind(error)}"
            raise refusal(TrustReason.MODULE_MISSING, detail) from None

    def _find(self) -> Any:
        try:
            tokens = [token for token in self._library.get_tokens() if token.label == self.label]
        except self._pkcs11.PKCS11Error as error:
            detail = f"{self.module}: expected a list of tokens, found {_kind(error)}"
            raise refusal(TrustReason.TOKEN_REMOVED, detail) from None
        if len(tokens) != 1:
            detail = f"{self.module}: expected one token of label {self.label}, found {len(tokens)}"
            raise refusal(TrustReason.TOKEN_MISSING, detail)
        return tokens[0]

    # Errors

    def _translated(self, act: Callable[[], Any]) -> Any:
        try:
            with self._turn:
                return act()
        except self._pkcs11.PKCS11Error as error:
            raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> TrustError:
        """Finds the reason; a session that is gone is opened anew at the next use."""
        kinds = self._pkcs11
        where = f"token {self.label}"
        if isinstance(error, kinds.PinIncorrect | kinds.PinInvalid | kinds.PinLenRange):
            return refusal(TrustReason.PIN_WRONG, f"{where}: expected its user PIN, found another")
        if isinstance(error, kinds.PinLocked):
            return refusal(TrustReason.PIN_LOCKED, f"{where}: expected a PIN that is not locked")
        if isinstance(error, _gone(kinds)):
            self.close()
            return refusal(TrustReason.TOKEN_REMOVED, f"{where}: expected it to answer, found {_kind(error)}")
        return refusal(TrustReason.TOKEN_REFUSED, f"{where}: expected the operation to be done, found {_kind(error)}")


_tokens: weakref.WeakSet[Token] = weakref.WeakSet()
"""All of this process, to know who shares a login."""


class _InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS (PKCS#11 v2.40, 4.2)."""

    _fields_ = (
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


_OS_LOCKING_OK: Final = 2
_OK: Final = 0
_turns: dict[tuple[Path, int], contextlib.AbstractContextManager[object]] = {}
"""Module and process -> what a call takes: nothing where the module locks by itself, else a lock."""


def _allow_threads(module: Path) -> contextlib.AbstractContextManager[object]:
    """Initialises a loaded module for use by several threads, once in each process."""
    place = (module, os.getpid())
    if place not in _turns:
        library = ctypes.CDLL(str(module))
        arguments = _InitializeArguments(flags=_OS_LOCKING_OK)
        library.C_Finalize(None)
        if library.C_Initialize(ctypes.byref(arguments)) == _OK:
            _turns[place] = contextlib.nullcontext()
        else:
            library.C_Initialize(None)
            _turns[place] = threading.RLock()
    return _turns[place]


class _ThreadSession:
    """The session of one thread with the handles found in it; closed when the thread is gone."""

    __slots__ = ("_process", "handles", "session")

    def __init__(self, session: Any) -> None:
        self.session = session
        self.handles: dict[str, Any] = {}
        self._process = os.getpid()

    def __del__(self) -> None:
        # A child of a fork must not close what is its parent's; a session that is gone cannot be closed.
        if self._process == os.getpid():
            with contextlib.suppress(Exception):
                self.session.close()


def _binding() -> Any:
    try:
        import pkcs11
    except ImportError:
        raise refusal(TrustReason.HSM_SUPPORT_MISSING, "python-pkcs11: expected it, found none") from None
    return pkcs11


def _gone(kinds: Any) -> tuple[type[Exception], ...]:
    """Errors of a token that was pulled out, restarted or reset."""
    return (
        kinds.DeviceRemoved,
        kinds.DeviceError,
        kinds.TokenNotPresent,
        kinds.NoSuchToken,
        kinds.SessionHandleInvalid,
        kinds.SessionClosed,
        kinds.ObjectHandleInvalid,
        kinds.KeyHandleInvalid,
        kinds.UserNotLoggedIn,
        kinds.SlotIDInvalid,
        kinds.GeneralError,
    )


def _kind(error: Exception) -> str:
    """Names an error without its text, which is a vendor's and could hold anything."""
    return type(error).__name__


def _first(found: Iterator[Any]) -> Iterator[Any]:
    for count, item in enumerate(found):
        if count == MAX_KEYS:
            return
        yield item


def _public_key(parameters: bytes, point: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of CKA_EC_PARAMS and CKA_EC_POINT; the point is an OCTET STRING in DER."""
    from pkcs11.util.ec import encode_named_curve_parameters

    for name, curve in CURVES.items():
        if parameters == encode_named_curve_parameters(_CURVE_NAMES[name]):
            plain = point[2:] if point[:1] == b"\x04" and point[1:2] != b"" and len(point) == point[1] + 2 else point
            return ec.EllipticCurvePublicKey.from_encoded_point(curve(), plain)
    raise refusal(TrustReason.UNSUPPORTED_KEY, "token's key: expected P-256 or P-384, found another curve")
