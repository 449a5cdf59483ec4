"""The page in a real browser (Debian's Chromium): what a clerk sees, hears by screen reader, and does by keyboard."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect

from prcard.counter.app import PAGE_FILES
from prcard.counter.pairing import Pairing
from prcard.counter.station import Times
from prcard.counter.texts import PAGE

WEIGHT_BYTES = 150_000
CLIENT = Path(__file__).resolve().parents[2] / "src" / "prcard" / "counter" / "page" / "client.js"
SCREEN: Final[ViewportSize] = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def pages(browser: Browser, shared: Any) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own; whatever a page logs as an error fails the test."""
    contexts = []

    def open_page(lang: str = "en-GB", **options: Any) -> Page:
        context = browser.new_context(viewport=SCREEN, locale=lang, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def paired(page: Page, served: Any) -> Page:
    page.goto(served.url)
    page.locator("#pair-code").fill(served.code())
    page.keyboard.press("Enter")
    expect(page.locator(".panel").first).to_be_visible()
    return page


@pytest.fixture(scope="module")
def clerk(pages: Callable[..., Page], shared: Any) -> Page:
    """A page that is paired, in English."""
    return paired(pages(), shared)


def outcome(page: Page, word: str, reader: str = "r1") -> None:
    expect(page.locator(f'#panel-{reader} [data-outcome="{word}"]')).to_be_visible()


# A card comes and goes


def test_a_card_is_laid_down_judged_and_lifted(clerk: Page, clean: Any) -> None:
    expect(clerk.locator('[data-state="ready"]')).to_contain_text("Lay a card on the reader")
    clean.insert("alice")
    outcome(clerk, "PASSED")
    banner = clerk.locator(".banner")
    expect(banner).to_contain_text("Accepted")
    expect(banner).to_contain_text("training")
    expect(banner.locator("svg")).to_be_visible()
    expect(clerk.locator('[data-field="number"]')).to_have_text("911************021")
    expect(clerk.locator(".photo img")).to_have_js_property("naturalWidth", 68)
    expect(clerk.locator("#say")).to_contain_text("Accepted")
    clean.remove()
    expect(clerk.locator(".quiet")).to_contain_text("was lifted")
    expect(clerk.locator(".shift li").first).to_contain_text("911************021")


def test_a_card_that_is_not_accepted_says_why_and_what_to_do(clerk: Page, clean: Any) -> None:
    clean.insert("goro")
    outcome(clerk, "FAILED")
    banner = clerk.locator(".banner")
    expect(banner).to_contain_text("Not accepted")
    expect(banner).to_contain_text("the card has expired")
    expect(banner.locator(".todo")).to_have_text("Ask the holder for a valid card.")
    expect(clerk.locator('[data-check="valid-at-moment"]')).to_have_class("needed")
    expect(clerk.locator("#shout")).to_contain_text("Not accepted")


def test_a_card_that_does_not_decode_is_shown_all_the_same(clerk: Page, clean: Any) -> None:
    clean.desk.inject(clean.uri(), "unknown-edition", "alice")
    outcome(clerk, "FAILED")
    expect(clerk.locator(".person")).to_contain_text("cannot be decoded")


def test_training_is_worked_from_the_page(clerk: Page, clean: Any) -> None:
    clerk.locator("#r1-specimen").select_option("hana")
    clerk.get_by_role("button", name="Lay down").click()
    outcome(clerk, "PASSED")
    expect(clerk.locator("#r1-specimen")).to_have_value("hana")
    clerk.get_by_role("button", name="Lift").click()
    expect(clerk.locator(".quiet")).to_be_visible()
    clerk.locator("#r1-fault").select_option("damaged-card")
    clerk.get_by_role("button", name="Inject").click()
    outcome(clerk, "FAILED")
    expect(clerk.locator(".ribbon")).to_contain_text("TRAINING")


def test_a_reader_that_is_unplugged_is_shown_at_once_and_comes_back(clerk: Page, clean: Any) -> None:
    clerk.locator("#r1-fault").select_option("unplugged")
    clerk.get_by_role("button", name="Inject").click()
    expect(clerk.locator('[data-state="lost"]')).to_contain_text("Plug it in again")
    expect(clerk.locator("#shout")).to_contain_text("The reader is not available")
    expect(clerk.locator('[data-state="ready"]')).to_be_visible()


def test_a_photo_that_cannot_be_shown_says_why(clerk: Page, clean: Any) -> None:
    from dataclasses import replace

    card = clean.desk._signed("alice")
    clean.desk._readers[0].virtual.insert(replace(card, photo=b"WL\x66\x00\x7e\x00\x32\x00".ljust(1024, b"x")), "real")
    expect(clerk.locator(".photo")).to_contain_text("closed format (WLT)")
    expect(clerk.locator(".photo img")).to_have_count(0)


# What is shown to whom


def test_fields_are_masked_until_the_clerk_asks_and_asking_is_logged(clerk: Page, clean: Any) -> None:
    clean.insert("alice")
    outcome(clerk, "PASSED")
    assert "SPECIMEN, ALICE" not in clerk.content()
    clerk.get_by_role("button", name="Show in full").click()
    expect(clerk.locator('[data-field="english_name"]')).to_have_text("SPECIMEN, ALICE")
    expect(clerk.locator('[data-field="sex"]')).to_have_text("female (2)")
    expect(clerk.locator(".shift li").first).to_contain_text("was shown in full")
    assert "english_name" in clean.counter.ledger.history()[0]["revealed"]
    clerk.get_by_role("button", name="Mask again").click()
    expect(clerk.locator('[data-field="english_name"]')).to_have_text("S*******, A****")
    assert "SPECIMEN, ALICE" not in clerk.content()


def test_clearing_forgets_the_card(clerk: Page, clean: Any) -> None:
    clean.insert("alice")
    outcome(clerk, "PASSED")
    clerk.get_by_role("button", name="Clear").click()
    expect(clerk.locator("[data-outcome]")).to_have_count(0)
    assert clean.counter.stations[0].presence is None


def test_the_slip_is_all_that_is_printed_and_is_masked(clerk: Page, clean: Any) -> None:
    clean.insert("goro")
    outcome(clerk, "FAILED")
    clerk.evaluate("window.print = () => { window.printed = true }")
    clerk.get_by_role("button", name="Print slip").click()
    assert clerk.evaluate("window.printed")
    clerk.emulate_media(media="print")
    slip = clerk.locator(".slip")
    expect(slip).to_be_visible()
    for words in ("Not accepted", "***********0812", "TRAINING", "the card has expired"):
        expect(slip).to_contain_text(words)
    assert "SPECIMEN" not in slip.inner_text()
    expect(clerk.locator("main")).to_be_hidden()
    expect(clerk.locator("body > header")).to_be_hidden()
    assert clerk.pdf().startswith(b"%PDF")
    clerk.emulate_media(media="screen")
    expect(slip).to_be_hidden()


def test_a_card_that_is_left_behind_is_reminded_of(serve: Any, pages: Callable[..., Page]) -> None:
    with serve(times=Times(left_behind_s=0.5)) as served:
        page = paired(pages(), served)
        served.insert("alice")
        expect(page.locator(".warn")).to_contain_text("still on the reader")
        expect(page.locator("#shout")).to_contain_text("still on the reader")
        served.remove()
        expect(page.locator(".warn")).to_have_count(0)


# Languages, keyboard, accessibility


def test_the_language_is_switched_and_kept(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages("zh-CN"), clean)
    clean.insert("goro")
    expect(page.locator(".banner")).to_contain_text("证件已过期")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator(".banner")).to_contain_text("the card has expired")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert re.search(r"[\u4e00-\u9fff]", re.sub("中文", "", page.locator("body > header").inner_text())) is None
    page.reload()
    expect(page.locator(".banner")).to_contain_text("the card has expired")


def test_everything_can_be_done_by_keyboard(pages: Callable[..., Page], clean: Any) -> None:
    page = pages()
    page.goto(clean.url)
    expect(page.locator("#pair-code")).to_be_focused()
    page.keyboard.type(clean.code())
    page.keyboard.press("Enter")
    expect(page.locator(".panel")).to_be_visible()
    page.reload()
    expect(page.locator(".panel")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.key ?? document.activeElement.dataset.do ?? ''"))
    assert {"connect", "contrast", "help", "language", "r1-specimen", "r1-insert", "r1-fault", "r1-inject"} <= set(
        reached
    )
    page.locator('[data-key="r1-insert"]').focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    outcome(page, "PASSED")
    expect(page.locator('[data-key="r1-insert"]')).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator('[data-field="english_name"]')).to_have_text("SPECIMEN, ALICE")
    page.keyboard.press("l")
    expect(page.locator(".banner")).to_contain_text("通过")
    page.keyboard.press("l")
    page.keyboard.press("h")
    expect(page.locator("html")).to_have_attribute("data-contrast", "high")
    page.keyboard.press("h")
    page.evaluate("window.print = () => { window.printed = true }")
    page.keyboard.press("p")
    assert page.evaluate("window.printed")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("c")
    expect(page.locator("[data-outcome]")).to_have_count(0)


def test_single_key_shortcuts_can_be_turned_off(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages(), clean)
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("l")
    page.keyboard.press("h")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.locator("html").get_attribute("data-contrast") is None


@pytest.mark.parametrize("lang", ["zh-CN", "en-GB"])
def test_axe_finds_nothing_in_any_state(pages: Callable[..., Page], clean: Any, lang: str) -> None:
    axe, page = Axe(), pages(lang)

    def look(state: str) -> None:
        found = axe.run(page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"

    page.goto(clean.url)
    expect(page.locator("#pair-code")).to_be_visible()
    look("pairing")
    paired(page, clean)
    look("waiting")
    clean.insert("alice")
    outcome(page, "PASSED")
    page.keyboard.press("s")
    expect(page.locator('[data-field="english_name"]')).to_have_text("SPECIMEN, ALICE")
    look("shown in full")
    page.keyboard.press("?")
    look("shortcuts")
    page.keyboard.press("Escape")
    clean.insert("goro")
    outcome(page, "FAILED")
    look("failed")
    page.keyboard.press("h")
    look("high contrast")
    page.locator('[data-do="connect"]').click()
    expect(page.locator("#new-code")).to_be_visible()
    look("code for another page")


def test_motion_stops_for_those_who_ask(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages(reduced_motion="reduce"), clean)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<i class=turning></i>')")
    assert page.evaluate("getComputedStyle(document.querySelector('.turning')).animationName") == "none"


def test_a_page_of_many_widths_has_no_sideways_scrolling(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages(), clean)
    clean.insert("emile")
    outcome(page, "PASSED")
    for width in (1920, 1366, 1024, 800, 400):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


# Several readers


def test_two_readers_side_by_side(serve: Any, pages: Callable[..., Page]) -> None:
    with serve(2) as served:
        page = paired(pages(), served)
        served.insert("alice", 1)
        served.insert("goro", 2)
        outcome(page, "PASSED", "r1")
        outcome(page, "FAILED", "r2")
        first, second = (page.locator(f"#panel-{name}").bounding_box() for name in ("r1", "r2"))
        assert first is not None
        assert second is not None
        assert first["y"] == second["y"]
        assert first["x"] + first["width"] <= second["x"]
        page.keyboard.press("1")
        expect(page.locator("#panel-r1")).to_have_attribute("data-selected", "true")
        page.keyboard.press("s")
        expect(page.locator('#panel-r1 [data-field="english_name"]')).to_have_text("SPECIMEN, ALICE")
        assert "GORO" not in page.content()
        expect(page.locator(".shift li")).to_have_count(2)


# The service behind the page


def test_a_service_that_restarts_is_shown_and_nothing_is_missed(
    serve: Any, pages: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    with serve(pairing=Pairing(file)) as served:
        port = served.server.port
        page = paired(pages(), served)
        served.insert("alice")
        outcome(page, "PASSED")
    expect(page.locator("#live")).to_have_attribute("data-live", "lost")
    expect(page.locator("#live")).to_contain_text("reconnecting")
    with serve(port=port, pairing=Pairing(file)) as served:
        served.insert("goro")
        served.card()
        expect(page.locator("#live")).to_have_attribute("data-live", "open")
        outcome(page, "FAILED")
        expect(page.locator(".shift li")).to_have_count(1)


def test_a_line_that_breaks_is_resumed_without_a_gap(clerk: Page, clean: Any) -> None:
    clerk.evaluate("window.reloaded = false")
    clean.insert("alice")
    outcome(clerk, "PASSED")
    # The hub cuts the listener off, as it does with one that does not fetch; the page comes back by itself.
    for listener in tuple(clean.counter.hub._listeners):
        listener.cut_off()
    clean.insert("goro")
    outcome(clerk, "FAILED")
    expect(clerk.locator("#live")).to_have_attribute("data-live", "open")
    assert clerk.evaluate("window.reloaded") is False


def test_without_a_token_nothing_is_shown(pages: Callable[..., Page], clean: Any) -> None:
    clean.insert("alice")
    clean.card()
    page = pages()
    page.goto(clean.url)
    expect(page.locator("#pair-code")).to_be_visible()
    assert "911" not in page.content()
    page.locator("#pair-code").fill("0000 0000")
    page.get_by_role("button", name="Pair").click()
    expect(page.locator("#pair-problem")).to_contain_text("wrong or late")
    expect(page.locator(".panel")).to_have_count(0)


def test_unpairing_locks_the_page(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages(), clean)
    page.get_by_role("button", name="Connect a page").click()
    expect(page.locator("#new-code")).to_have_text(re.compile(r"\d{4} \d{4}"))
    page.get_by_role("button", name="Unpair this page").click()
    expect(page.locator("#pair-code")).to_be_visible()
    page.reload()
    expect(page.locator("#pair-code")).to_be_visible()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serves files from another port, which is another origin."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def put(content: str) -> str:
        (tmp_path / "index.html").write_text(content, encoding="utf-8")
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield put
    server.shutdown()
    thread.join()
    server.server_close()


ATTEMPTS = """
async (url) => {
  const tried = {};
  const attempt = async (name, act) => {
    try { tried[name] = await act(); } catch (error) { tried[name] = "refused"; }
  };
  await attempt("read", async () => (await fetch(url + "api/v1/state", { credentials: "include" })).status);
  await attempt("service", async () => (await fetch(url + "api/v1/service")).status);
  await attempt("blind", async () => (await fetch(url + "api/v1/service", { mode: "no-cors" })).type);
  await attempt("pair", async () => (await fetch(url + "api/v1/pairing", { method: "POST", body: "{}" })).status);
  await attempt("script", () => new Promise((done) => {
    const script = document.createElement("script");
    script.src = url + "client.js";
    script.onload = () => done("loaded");
    script.onerror = () => done("refused");
    document.head.append(script);
  }));
  await attempt("image", () => new Promise((done) => {
    const image = new Image();
    image.onload = () => done("loaded");
    image.onerror = () => done("refused");
    image.src = url + "icon.svg";
  }));
  return tried;
}
"""


def test_a_page_from_elsewhere_gets_nothing(
    pages: Callable[..., Page], clean: Any, elsewhere: Callable[[str], str]
) -> None:
    page = paired(pages(), clean)
    clean.insert("alice")
    clean.card()
    page.goto(elsewhere("<!doctype html><title>elsewhere</title>"))
    tried = page.evaluate(ATTEMPTS, clean.url)
    # "blind" is opaque whatever was answered; the rest must be refused.
    assert {name for name, what in tried.items() if what != "refused"} <= {"blind"}
    page.goto(elsewhere(f'<!doctype html><iframe src="{clean.url}"></iframe>'))
    frame = page.frames[-1]
    assert frame.locator(".panel").count() == 0


LISTENING = """
([base, code, source]) => {
  window.found = null;
  (async () => {
    const { CounterClient } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const counter = new CounterClient({ base });
    await counter.pair(code, "pms");
    counter.listen({
      hello: () => document.body.append("listening"),
      verdict: async ({ card }) => {
        window.found = await counter.reveal(card.presence, ["english_name", "number"]);
      },
      error: (error) => { window.found = String(error); },
    });
  })().catch((error) => { window.found = String(error); });
}
"""


def test_a_page_on_the_list_pairs_and_listens(
    serve: Any, pages: Callable[..., Page], elsewhere: Callable[[str], str]
) -> None:
    origin = elsewhere("<!doctype html><title>pms</title>")
    with serve(origins=(origin,)) as served:
        page = pages()
        page.goto(origin)
        page.evaluate(LISTENING, [served.url.rstrip("/"), served.code(), CLIENT.read_text(encoding="utf-8")])
        expect(page.locator("body")).to_contain_text("listening")
        served.insert("alice")
        page.wait_for_function("window.found")
        assert page.evaluate("window.found") == {"english_name": "SPECIMEN, ALICE", "number": "911124198504120021"}


# Weight and network


def test_the_page_is_light_and_asks_nobody_else(pages: Callable[..., Page], clean: Any) -> None:
    page, asked, weight = pages(), [], []

    def note(request: Request) -> None:
        asked.append(request.url)
        if "/api/" not in request.url:
            response = request.response()
            if response is not None:
                weight.append(len(response.body()))

    page.on("requestfinished", note)
    paired(page, clean)
    clean.insert("alice")
    outcome(page, "PASSED")
    assert {url for url in asked if not url.startswith(clean.url)} == set()
    assert {"app.js", "client.js", "app.css", "texts.json"} <= {url.removeprefix(clean.url) for url in asked}
    assert sum(weight) <= WEIGHT_BYTES
    assert page.evaluate("performance.getEntriesByName('first-paint').length") == 1


def test_the_first_paint_needs_no_network_beyond_loopback(browser: Browser, clean: Any) -> None:
    # Every name but loopback is a dead end, as on a machine without a network.
    context = browser.new_context(viewport=SCREEN)
    page = context.new_page()
    page.route(lambda url: not url.startswith(clean.url), lambda route: route.abort())
    page.goto(clean.url)
    expect(page.locator("#pair-code")).to_be_visible()
    context.close()


def test_no_script_and_no_style_runs_that_is_not_ours(pages: Callable[..., Page], clean: Any) -> None:
    page = paired(pages(), clean)
    injected = '<img id=bad src=x onerror="window.hit = 1"><p style="color: red">'
    page.evaluate("(injected) => document.body.insertAdjacentHTML('beforeend', injected)", injected)
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.hit = 2' }))"
    )
    expect(page.locator("#bad")).to_have_js_property("complete", value=True)
    assert page.evaluate("window.hit") is None


def test_the_package_holds_every_file_of_the_page_and_none_besides() -> None:
    from importlib import resources

    present = {entry.name for entry in (resources.files("prcard.counter") / "page").iterdir()}
    assert present == {name for name, _ in PAGE_FILES.values()}
    assert PAGE["title"][1] == "Card counter"


def test_a_port_that_nobody_listens_on_any_more_is_free(serve: Any) -> None:
    with serve() as served:
        port = served.server.port
    with socket.create_server(("127.0.0.1", port)):
        pass
