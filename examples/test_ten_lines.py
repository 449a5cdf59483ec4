"""A test of a host program with prcard's pytest plugin, in ten lines: pytest examples/test_ten_lines.py."""

import socket

import pytest


@pytest.mark.reader_fault("wrong-check", command="FIND_CARD")
def test_a_damaged_reply_is_noticed(virtual_reader):  # type: ignore[no-untyped-def]
    with socket.create_connection(virtual_reader.address, timeout=5) as line:
        replies = []
        for _ in range(2):
            line.sendall(bytes.fromhex("AAAAAA96690003200122"))
            replies.append(line.recv(100))
    assert replies[1] == bytes.fromhex("AAAAAA9669000800009F0000000097") != replies[0]
