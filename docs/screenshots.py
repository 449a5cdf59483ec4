"""Takes the pictures of the counter page that the documentation shows, in Chinese and English.

    python docs/screenshots.py [FOLDER]        default: docs/images/counter

Everything in them is a specimen. The browser is Debian's Chromium; the pictures have the size of a counter's screen,
1366 by 768.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import expect, sync_playwright

from prcard.counter.server import CounterServer
from prcard.counter.service import Counter
from prcard.counter.station import Times
from prcard.counter.training import TrainingDesk

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parent / "images" / "counter"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main(folder: Path) -> None:
    """Takes all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for lang in ("zh", "en"):
            for readers, take in ((1, one_reader), (2, two_readers)):
                desk = TrainingDesk(readers)
                with CounterServer(Counter(desk=desk, times=Times(left_behind_s=3)), port=0) as server:
                    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale=f"{lang}-{lang}")
                    page = context.new_page()
                    page.goto(server.url)
                    take(
                        page,
                        server,
                        desk,
                        lambda name, page=page, lang=lang: shoot(page, folder / f"{name}-{lang}.png"),
                    )
                    context.close()
        browser.close()


def shoot(page: Page, path: Path) -> None:
    """Takes one picture and stores it with a palette, which makes it a third as large."""
    png = page.screenshot(animations="disabled")
    blank = page.context.browser.new_page()  # type: ignore[union-attr]  # a context of ours has a browser
    size = page.viewport_size or {"width": 0, "height": 0}
    raw = base64.b64decode(blank.evaluate(PIXELS, base64.b64encode(png).decode()))
    blank.close()
    pixels = np.frombuffer(raw, np.uint8).reshape(size["height"], size["width"], 4)[..., :3]
    path.write_bytes(palette_png(pixels))
    print(path)


PIXELS = """
async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}
"""


def palette_png(pixels: Any) -> bytes:
    """Gives a PNG file with the 256 commonest colours of a picture; the others become the nearest of them."""
    height, width, _ = pixels.shape
    codes = (pixels.astype(np.uint32) >> 2) @ np.array([1 << 12, 1 << 6, 1], np.uint32)
    _, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(index.ravel(), pixels[..., channel].ravel()) for channel in range(3)], axis=1)
    means = sums / counts[:, None]
    common = np.sort(np.argsort(counts)[-256:])
    nearest = np.array([((means[common] - mean) ** 2).sum(axis=1).argmin() for mean in means], np.uint8)
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = nearest[index].reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = means[common].round().astype(np.uint8).tobytes()
    parts = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pair(page: Page, server: CounterServer) -> None:
    """Pairs the page."""
    page.locator("#pair-code").fill(server.counter.pairing.new_code())
    page.keyboard.press("Enter")
    expect(page.locator(".panel").first).to_be_visible()


def one_reader(page: Page, server: CounterServer, desk: TrainingDesk, take: Any) -> None:
    """Pairing, waiting, each verdict, fields shown, a reader that is lost, the slip."""
    expect(page.locator("#pair-code")).to_be_visible()
    take("pairing")
    pair(page, server)
    expect(page.locator('[data-state="ready"]')).to_be_visible()
    take("waiting")
    uri = server.counter.stations[0].uri
    desk.insert(uri, "alice")
    expect(page.locator('[data-outcome="PASSED"]')).to_be_visible()
    take("passed")
    page.keyboard.press("s")
    expect(page.locator('[data-field="english_name"]')).to_contain_text("ALICE")
    take("shown")
    expect(page.locator(".warn")).to_be_visible()
    take("left-behind")
    page.keyboard.press("?")
    take("shortcuts")
    page.keyboard.press("Escape")
    desk.remove(uri)
    expect(page.locator(".quiet")).to_be_visible()
    desk.insert(uri, "goro")
    expect(page.locator('[data-outcome="FAILED"]')).to_be_visible()
    take("failed")
    page.evaluate("window.print = () => {}")
    page.keyboard.press("p")
    page.emulate_media(media="print")
    take("slip")
    page.emulate_media(media="screen")
    page.keyboard.press("h")
    take("contrast")
    page.keyboard.press("h")
    desk.remove(uri)
    desk.inject(uri, "unplugged", "alice")
    expect(page.locator('[data-state="lost"]')).to_be_visible()
    take("lost")


def two_readers(page: Page, server: CounterServer, desk: TrainingDesk, take: Any) -> None:
    """Two readers side by side, one good card and one that is not."""
    pair(page, server)
    first, second = (station.uri for station in server.counter.stations)
    desk.insert(first, "hana")
    expect(page.locator('[data-outcome="PASSED"]')).to_be_visible()
    desk.inject(second, "tampered-photo", "ivan")
    expect(page.locator('[data-outcome="FAILED"]')).to_be_visible()
    take("two-readers")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
