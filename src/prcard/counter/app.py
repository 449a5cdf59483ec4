"""The local service over HTTP: a thin FastAPI application on `Counter`, behind the `Gate`.

Nothing here decides anything about a card: it checks who asks, calls the counter and words the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.exceptions import HTTPException

from prcard._version import __version__
from prcard.counter import models
from prcard.counter.gate import Gate, own_hosts
from prcard.counter.hub import frame
from prcard.counter.ledger import KINDS
from prcard.counter.metrics import CONTENT_TYPE
from prcard.counter.pairing import CODE_LIFE_S
from prcard.counter.presence import meanings_of
from prcard.counter.refusals import Refusal, RefusedError, document
from prcard.counter.service import API_VERSION, Counter
from prcard.counter.texts import page_texts
from prcard.counter.training import FAULTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from prcard.counter.gate import App
    from prcard.counter.station import Station

__all__ = ["KEEP_ALIVE_S", "PAGE_FILES", "build_app", "guarded"]

KEEP_ALIVE_S: Final = 15.0
"""A comment goes to each listener so often, so that both sides notice a dead connection."""

PAGE_FILES: Final = {
    "": ("index.html", "text/html; charset=utf-8"),
    "index.html": ("index.html", "text/html; charset=utf-8"),
    "app.css": ("app.css", "text/css; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "client.js": ("client.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Path -> (file in the package, content type). Nothing else is served, whatever the path says."""

PAIRING_PATH: Final = "/api/v1/pairing"
COOKIE_AGE_S: Final = 12 * 3600

Presence = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
ReaderName = Annotated[str, Path(min_length=1, max_length=10, pattern=r"^r[0-9]+$")]


def cookie_name(port: int) -> str:
    """Name of the page's cookie; the port is in it because cookies are shared by all ports of a host."""
    return f"prcard-counter-{port}"


def guarded(app: App, counter: Counter, port: int, origins: Collection[str]) -> Gate:
    """Puts the gate before an application."""
    return Gate(
        app,
        hosts=own_hosts(port),
        origins=origins,
        metrics=counter.metrics,
        journal=counter.journal,
        pairing_path=PAIRING_PATH,
    )


def build_app(counter: Counter, port: int, admin_secret: str = "") -> FastAPI:
    """Builds the application.

    Args:
        counter: What it serves; started and stopped by the caller.
        port: Port it is reached on.
        admin_secret: What `prcard counter pair` shows to get a code; "" turns that off.
    """
    app = FastAPI(
        title="prcard counter",
        version=__version__,
        description="Local service of a counter: readers, cards and verdicts. Loopback only; pair first.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url="/api/v1/openapi.json",
        responses={
            status: {"model": models.Failure} for status in (400, 401, 403, 404, 405, 408, 409, 413, 421, 422, 429, 503)
        },
    )
    _errors(app)
    door = _Door(counter, port, admin_secret)
    for router in (_public(counter), _pairing(counter, door), _cards(counter, door), _training(counter, door)):
        app.include_router(router, prefix=f"/api/v{API_VERSION}")
    _page(app, counter)
    return app


class _Door:
    """Tells who asks: our own page by its cookie, another page or a program by its token."""

    def __init__(self, counter: Counter, port: int, admin_secret: str) -> None:
        self.counter = counter
        self.cookie = cookie_name(port)
        self.own_origins = {f"http://{host}" for host in own_hosts(port)}
        self._admin_secret = admin_secret
        self._bearer = HTTPBearer(auto_error=False, description="Token from POST /api/v1/pairing.")
        self._key = APIKeyCookie(name=self.cookie, auto_error=False, description="Cookie of the counter's own page.")

    def token(self, request: Request) -> str | None:
        """The token that a request shows, and whether it may be shown that way."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            return token.strip()
        return request.cookies.get(self.cookie) if self._is_own_page(request) else None

    def asks(self) -> Any:
        """A dependency that gives the ticket of the caller."""
        bearer, key = Depends(self._bearer), Depends(self._key)

        # The two are looked at by `token`; as dependencies they stand in the OpenAPI document.
        async def ticket(request: Request, _bearer: Any = bearer, _key: Any = key) -> Any:
            token = self.token(request)
            origin = request.headers.get("origin")
            found = self.counter.pairing.check(token, "" if origin in self.own_origins else origin) if token else None
            if found is None:
                raise RefusedError(Refusal.NOT_PAIRED)
            return found

        return Depends(ticket)

    def is_admin(self, request: Request) -> bool:
        """Tells whether the caller can read the service's own state file."""
        import secrets

        shown = request.headers.get("x-prcard-admin", "")
        return bool(self._admin_secret) and secrets.compare_digest(shown.encode(), self._admin_secret.encode())

    def _is_own_page(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        return (origin is None or origin in self.own_origins) and site in {"same-origin", "none"}


def _errors(app: FastAPI) -> None:
    def answer(refusal: Refusal, **headers: str) -> JSONResponse:
        return JSONResponse(document(refusal), refusal.status, headers)

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> Response:
        challenge = {"www-authenticate": "Bearer"} if error.refusal is Refusal.NOT_PAIRED else {}
        return answer(error.refusal, **challenge)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, __: RequestValidationError) -> Response:
        # The particulars would repeat what was sent, which may be personal data.
        return answer(Refusal.MALFORMED)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        refusal = {404: Refusal.NO_PLACE, 405: Refusal.NO_METHOD}.get(error.status_code, Refusal.MALFORMED)
        return answer(refusal, **dict(error.headers or {}))


def _public(counter: Counter) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/service")
    async def service() -> models.Service:
        """Tell that the service is there; needs no pairing and says nothing about readers or cards."""
        return models.Service(
            name="prcard-counter", version=__version__, api=API_VERSION, run=counter.hub.run, kinds=list(KINDS)
        )

    return router


def _pairing(counter: Counter, door: _Door) -> APIRouter:
    router = APIRouter(tags=["pairing"])

    @router.post("/pairing")
    async def pair(body: models.Pair, request: Request, response: Response) -> models.Paired:
        """Exchange a one-time code for a token; the counter's own page gets it as a cookie that no script can read."""
        origin = request.headers.get("origin", "")
        own = origin in door.own_origins
        token = counter.pairing.redeem(body.code, origin="" if own else origin, name=body.name)
        counter.journal.log("pairing", origin=origin, name=body.name, status="paired" if token else "refused")
        if token is None:
            raise RefusedError(Refusal.WRONG_CODE)
        if not own:
            return models.Paired(token=token)
        response.set_cookie(door.cookie, token, max_age=COOKIE_AGE_S, path="/", httponly=True, samesite="strict")
        return models.Paired(token=None)

    @router.delete("/pairing", status_code=204, dependencies=[door.asks()])
    async def unpair(request: Request, response: Response) -> None:
        """End this pairing."""
        counter.pairing.withdraw(door.token(request) or "")
        response.delete_cookie(door.cookie, path="/", httponly=True, samesite="strict")

    @router.post("/pairing/codes")
    async def new_code(request: Request) -> models.Code:
        """Make a one-time code for another page; for our own page, and for `prcard counter pair`."""
        if not door.is_admin(request):
            token = door.token(request)
            if token is None or counter.pairing.check(token, "") is None or "authorization" in request.headers:
                raise RefusedError(Refusal.NOT_PAIRED)
        return models.Code(code=counter.pairing.new_code(), expires_in_s=int(CODE_LIFE_S))

    return router


def _cards(counter: Counter, door: _Door) -> APIRouter:
    # Long because it is the list of the places, each of a line or two.
    router = APIRouter(tags=["cards"])
    asks = door.asks()

    @router.get("/state", dependencies=[asks])
    async def state() -> models.State:
        """Give everything that a page shows; listen on from `last_event_id`."""
        return models.State(**counter.to_document())

    @router.get("/readers", dependencies=[asks])
    async def readers() -> models.Readers:
        """List the readers."""
        return models.Readers(readers=[models.Reader(**one.to_document()) for one in counter.stations])

    @router.get("/readers/{reader}", dependencies=[asks])
    async def reader(reader: ReaderName) -> models.Reader:
        """Show one reader and the card on it, masked."""
        return models.Reader(**counter.station(reader).to_document())

    @router.get("/history", dependencies=[asks])
    async def history() -> models.History:
        """List the cards of this shift, masked."""
        return models.History(history=[models.Row(**row) for row in counter.ledger.history()])

    @router.post("/presences/{presence}/reveal")
    async def reveal(presence: Presence, body: models.Reveal, ticket: Any = asks) -> models.Revealed:
        """Show fields unmasked, as far as the profile allows; that somebody asked is logged."""
        fields = counter.reveal(presence, body.fields, ticket.origin or ticket.name)
        meanings = {name: models.Label(zh=text.zh, en=text.en) for name, text in meanings_of(fields).items()}
        return models.Revealed(presence=presence, fields=fields, meanings=meanings)

    @router.get(
        "/presences/{presence}/photo",
        dependencies=[asks],
        response_class=Response,
        responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def photo(presence: Presence) -> Response:
        """Give the photo where it can be shown, which is a specimen's only."""
        return Response(counter.photo(presence), media_type="image/png")

    @router.post("/presences/{presence}/capture")
    async def capture(presence: Presence, ticket: Any = asks) -> models.Captured:
        """Give what was read as a capture to keep, where the profile allows it; that somebody asked is logged."""
        given: dict[str, Any] = json.loads(counter.capture(presence, ticket.origin or ticket.name))
        return given

    @router.delete("/presences/{presence}", status_code=204, dependencies=[asks])
    async def forget(presence: Presence) -> None:
        """Forget what was read of a card."""
        counter.forget(presence)

    @router.get(
        "/events",
        dependencies=[asks],
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def events(
        last_event_id: Annotated[str | None, Header(max_length=60, pattern=r"^[0-9a-f]*\.?[0-9]*$")] = None,
    ) -> Response:
        """Listen: Server-Sent Events, resumed by Last-Event-ID."""
        return await _listen(counter, last_event_id)

    return router


async def _listen(counter: Counter, last_seen: str | None) -> Response:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # The loop may have ended while a station publishes its last events.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ready.set)

    listener = counter.hub.listen(last_seen, wake)
    if listener is None:
        raise RefusedError(Refusal.FULL)

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield b"retry: 1000\n\n"
            yield frame("hello", {"kind": "hello", "run": counter.hub.run, "resumed": listener.resumed})
            while True:
                ready.clear()
                if events := listener.take():
                    yield b"".join(event.wire for event in events)
                    continue
                try:
                    await asyncio.wait_for(ready.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield b": still here\n\n"
        except BrokenPipeError:
            return
        finally:
            listener.close()

    return StreamingResponse(stream(), media_type="text/event-stream")


def _training(counter: Counter, door: _Door) -> APIRouter:
    router = APIRouter(tags=["training"], prefix="/training", dependencies=[door.asks()])

    def station(name: str) -> Station:
        found = counter.station(name)
        if counter.desk is None or not counter.desk.owns(found.uri):
            raise RefusedError(Refusal.NOT_TRAINING)
        return found

    @router.get("")
    async def training() -> models.Training:
        """List virtual readers, specimens and faults."""
        desk = counter.desk
        return models.Training(
            readers=[one.name for one in counter.stations if desk is not None and desk.owns(one.uri)],
            specimens=[models.Specimen(**entry) for entry in (desk.specimens() if desk else [])],
            faults={name: models.Label(zh=zh, en=en) for name, (zh, en) in (FAULTS if desk else {}).items()},
        )

    @router.post("/{reader}/insert", status_code=204)
    async def insert(reader: ReaderName, body: models.Insertion) -> None:
        """Lay a specimen on a virtual reader."""
        counter.train(station(reader), "insert", body.specimen)

    @router.post("/{reader}/remove", status_code=204)
    async def remove(reader: ReaderName) -> None:
        """Lift the card from a virtual reader."""
        counter.train(station(reader), "remove", "")

    @router.post("/{reader}/fault", status_code=204)
    async def fault(reader: ReaderName, body: models.Injection) -> None:
        """Make something go wrong at a virtual reader."""
        counter.train(station(reader), body.fault, body.specimen)

    return router


def _page(app: FastAPI, counter: Counter) -> None:
    texts = json.dumps(page_texts(), ensure_ascii=False).encode()

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(counter.metrics_text(), media_type=CONTENT_TYPE)

    @app.get("/texts.json", include_in_schema=False)
    async def catalogue() -> Response:
        return Response(texts, media_type="application/json")

    for path, (name, kind) in PAGE_FILES.items():
        body = (resources.files("prcard.counter") / "page" / name).read_bytes()
        app.add_api_route(f"/{path}", _file(body, kind), methods=["GET"], include_in_schema=False)


def _file(body: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def give() -> Response:
        return Response(body, media_type=kind)

    return give
