"""Secrets: read from a descriptor, and never to be seen."""

from __future__ import annotations

import os
import pickle
import traceback

import pytest

from prcard.errors import TrustError
from prcard.keys.secret import MAX_SECRET_BYTES, Secret, secret_from_descriptor


def through_a_pipe(data: bytes) -> Secret:
    reading, writing = os.pipe()
    try:
        os.write(writing, data)
        os.close(writing)
        return secret_from_descriptor(reading)
    finally:
        os.close(reading)


@pytest.mark.parametrize("data", [b"hunter two", b"hunter two\n", b"hunter two\r\n", b"hunter two\nnext line\n"])
def test_one_line_is_the_secret(data: bytes) -> None:
    assert through_a_pipe(data).reveal() == b"hunter two"


def test_the_next_line_is_left_for_the_next_reader() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"first\nsecond\n")
    assert [secret_from_descriptor(reading).reveal() for _ in range(2)] == [b"first", b"second"]
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n", b"x" * (MAX_SECRET_BYTES + 1)])
def test_no_secret_and_too_long_a_one_are_refused(data: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        through_a_pipe(data)
    assert caught.value.reason == "secret-missing"
    assert "--passphrase-fd" in caught.value.advice


def test_the_longest_is_taken() -> None:
    assert len(through_a_pipe(b"x" * MAX_SECRET_BYTES)) == MAX_SECRET_BYTES


def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(TrustError, match="descriptor 987: expected one that can be read"):
        secret_from_descriptor(987)


def test_a_secret_is_not_seen() -> None:
    secret = Secret(b"hunter two")
    shown = [repr(secret), str(secret), f"{secret}", f"{[secret]}"]
    try:
        raise ValueError(secret)
    except ValueError as error:
        shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert "hunter two" not in "".join(shown).replace('b"hunter two"', "")
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(secret)
