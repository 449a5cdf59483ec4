"""Reads a card with nothing but a socket, to show what goes over the line and that any program may do it.

prcard simulate --face tcp --card alice      prints the port
python examples/plain_host.py 127.0.0.1 PORT

This is the protocol at its shortest: no retries, no search for the speed, no damaged replies. `prcard.open_reader` does
all of that.
"""

from __future__ import annotations

import socket
import sys
from functools import reduce
from operator import xor

PREAMBLE = bytes.fromhex("AAAAAA9669")
FIND, SELECT, READ = b"\x20\x01", b"\x20\x02", b"\x30\x01"
DONE, FOUND = 0x90, 0x9F


def ask(line: socket.socket, command: bytes) -> bytes:
    """Sends one request and returns the body of the reply: SW1, SW2, SW3, data."""
    counted = (len(command) + 1).to_bytes(2, "big") + command
    line.sendall(PREAMBLE + counted + bytes([reduce(xor, counted)]))
    header = take(line, len(PREAMBLE) + 2)
    body = take(line, int.from_bytes(header[-2:], "big"))
    if header[:5] != PREAMBLE or reduce(xor, header[5:] + body):
        raise SystemExit("The reply is damaged.")
    return body[:-1]


def take(line: socket.socket, count: int) -> bytes:
    """Receives exactly `count` bytes."""
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece:
            raise SystemExit("The reader is gone.")
        data += piece
    return data


def main(host: str, port: str) -> int:
    """Prints the layout marker and the length of each zone; no personal data."""
    with socket.create_connection((host, int(port)), timeout=5) as line:
        if ask(line, FIND)[2] != FOUND:
            print("No card lies on the reader, or it was read already.")
            return 1
        if ask(line, SELECT)[2] != DONE:
            print("The card cannot be selected.")
            return 1
        reply = ask(line, READ)
    if reply[2] != DONE:
        print(f"The card cannot be read: status {reply[2]:02X}.")
        return 1
    text_bytes, photo_bytes = int.from_bytes(reply[3:5], "big"), int.from_bytes(reply[5:7], "big")
    text = reply[7 : 7 + text_bytes].decode("utf-16-le")
    print(f"text {text_bytes} bytes, photo {photo_bytes} bytes, type marker {text[124]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
