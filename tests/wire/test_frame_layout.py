"""The declarations themselves: they build what they parse and raise only what is documented."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command, ReadZones, join_read_reply, split_read_reply
from prcard.wire.frame import Frame
from prcard.wire.frame_layout import READ_REPLY, REPLY_BODY, REQUEST_BODY, oracle_build, oracle_parse


def test_the_oracle_parses_and_builds_every_vector(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        assert oracle_build(oracle_parse(data)) == data


@given(st.binary(max_size=2320))
def test_law_the_oracle_builds_what_frame_serializes(body: bytes) -> None:
    try:
        expected = Frame(body=body).serialize()
    except LocalWireError:
        with pytest.raises(LocalWireError, match=f"body: expected 2-2313 bytes, found {len(body)}"):
            oracle_build(body)
    else:
        assert oracle_build(body) == expected


@given(st.binary(max_size=30))
def test_the_oracle_raises_only_what_is_documented(data: bytes) -> None:
    with pytest.raises(RemoteWireError, match="frame: expected the declared layout, found "):
        oracle_parse(data + b"\x00")


@given(st.binary(min_size=3, max_size=30))
def test_law_bodies_equal_the_properties_of_frame(body: bytes) -> None:
    frame, request, reply = Frame(body=body), REQUEST_BODY.parse(body), REPLY_BODY.parse(body)
    assert bytes((request.cmd, request.para)) == frame.command_bytes
    assert request.data == frame.request_data
    assert (reply.sw1, reply.sw2, reply.sw3, reply.data) == (
        frame.sw1,
        frame.sw2,
        frame.sw3,
        frame.reply_data,
    )


@pytest.mark.parametrize("length", [0, 512, 1024])
def test_the_declared_read_reply_equals_the_split_one(length: int) -> None:
    zones = ReadZones(b"t" * 256, b"p" * 1024, b"f" * length)
    data = join_read_reply(zones, Command.READ_TEXT_PHOTO_FINGERPRINT)
    declared = READ_REPLY.parse(data)
    assert (declared.text, declared.photo, declared.fingerprint) == split_read_reply(
        data, Command.READ_TEXT_PHOTO_FINGERPRINT
    )
    assert READ_REPLY.build(zones._asdict()) == data


def test_no_session_imports_construct() -> None:
    modules = ("codes", "device", "frame", "host", "procedure", "scanner", "states", "transcript")
    code = "import sys; " + "; ".join(f"import prcard.wire.{name}" for name in modules)
    code += "; raise SystemExit('construct' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
