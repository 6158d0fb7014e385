"""Answers that our HTTP/1.1 gives again to the same bytes: when, to whom, and never out of turn."""

from __future__ import annotations

import re

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exposure import http_protocol, repeated_requests
from exposure.http_protocol import Protocol
from fakes.http_server import ASKED, PLAIN, Run, serving, told, told_in_pieces

REQUEST = b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def asked() -> list[str]:
    """Return the paths that the application is asked for, and by whom."""
    ASKED.clear()
    return ASKED


def numbers(found: bytes) -> list[int]:
    """Return the bodies of answers, of which each is whole, as numbers."""
    answers = found.removesuffix(b"<closed>").split(b"HTTP/1.1 200 OK\r\n")[1:]
    heads = [one.partition(b"\r\n\r\n")[0].split(b"\r\n")[-1] for one in answers]
    bodies = [one.partition(b"\r\n\r\n")[2] for one in answers]
    assert heads == [b"content-length: %d" % len(body) for body in bodies]
    return [int(body) for body in bodies]


async def test_the_same_bytes_are_answered_again_without_the_application(run: Run, asked: list[str]) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, REQUEST, REQUEST, REQUEST)
        other = await told(port, REQUEST)
    assert numbers(found + other) == [1, 2, 3, 4]
    assert len(asked) == 1
    assert found.count(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n") == 3


async def test_an_answer_that_is_no_longer_right_is_asked_for_anew(run: Run, asked: list[str]) -> None:
    twice = REQUEST.replace(b"/again", b"/again2")
    with serving(run, Protocol) as port:
        found = await told(port, *[twice] * 6)
    assert numbers(found) == [1, 2] * 3
    assert len(asked) == 3


@pytest.mark.parametrize(
    "other",
    [
        REQUEST.replace(b"Host: x", b"Host: y"),
        REQUEST.replace(b"GET /again", b"GET /again?"),
        REQUEST.replace(b"\r\n\r\n", b"\r\nX-API-Key: k\r\n\r\n"),
    ],
)
async def test_other_bytes_are_another_request(run: Run, asked: list[str], other: bytes) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, REQUEST, other, REQUEST, other)
    assert numbers(found) == [1, 1, 2, 2]
    assert len(asked) == 2


async def test_another_address_is_another_client(run: Run, asked: list[str]) -> None:
    with serving(run, Protocol) as port:
        found = await told(port, REQUEST) + await told(port, REQUEST, host="127.0.0.2")
    assert numbers(found) == [1, 1]
    assert asked == ["/again of 127.0.0.1", "/again of 127.0.0.2"]


async def test_another_server_of_the_process_is_another(run: Run, asked: list[str]) -> None:
    with serving(run, Protocol) as one, serving(run, Protocol) as other:
        found = await told(one, REQUEST) + await told(other, REQUEST) + await told(one, REQUEST)
    assert numbers(found) == [1, 1, 2]
    assert len(asked) == 2


async def test_nothing_is_left_out_of_an_answer_to_head(run: Run, asked: list[str]) -> None:
    head = REQUEST.replace(b"GET", b"HEAD")
    with serving(run, Protocol) as port:
        found = await told(port, head, head)
    assert found == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" * 2
    assert len(asked) == 1


@pytest.mark.parametrize(
    "line", [b"Connection: close", b"Upgrade: h2c\r\nConnection: upgrade", b"Expect: 100-continue"]
)
async def test_a_connection_that_ends_or_changes_does_so_each_time(run: Run, line: bytes) -> None:
    request = REQUEST.replace(b"Host: x", b"Host: x\r\n" + line)
    with serving(run, Protocol) as port:
        found = [await told(port, request) for _ in range(3)]
    assert [one.replace(b"\r\n%d" % number, b"\r\n1") for number, one in enumerate(found, 1)] == found[:1] * 3
    assert found[0].endswith(b"<closed>") == line.endswith(b"close")


EARLY = {
    "several at once": [PLAIN + REQUEST],
    "before the last one is answered": [b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST],
    "in pieces": [REQUEST[:20], REQUEST[20:] + REQUEST[:7], REQUEST[7:]],
    "as a body that nobody waits for": [
        b"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(REQUEST), REQUEST,
    ],
    "as the value of a field": [b"GET /plain HTTP/1.1\r\nX: ", REQUEST],
}  # fmt: skip


@pytest.mark.parametrize("pieces", EARLY.values(), ids=EARLY)
async def test_remembered_bytes_that_are_no_request_or_come_early_are_read_as_ever(
    run: Run, pieces: list[bytes]
) -> None:
    with serving(run, HttpToolsProtocol) as theirs, serving(run, Protocol) as ours:
        expected = await told_in_pieces(theirs, *pieces, *pieces)
        assert numbers(await told(ours, REQUEST)) == [1]
        found = await told_in_pieces(ours, *pieces, *pieces)
    # Which number it is says how often it was given before.
    assert re.sub(rb"\r\n\d", b"\r\n#", found) == re.sub(rb"\r\n\d", b"\r\n#", expected)
    assert found.count(b"HTTP/1.1 200 OK") >= 2


async def test_an_answer_given_again_keeps_the_connection_from_being_idle(run: Run) -> None:
    with serving(run, Protocol, keep_alive=1) as port:
        found = await told(port, *[REQUEST] * 5, after=0.5)
    assert numbers(found) == [1, 2, 3, 4, 5]


async def test_what_is_remembered_is_bounded(
    run: Run, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated_requests, "MOST_REMEMBERED", 2)
    first, second, third = (REQUEST.replace(b"Host: x", b"Host: %d" % number) for number in range(3))
    large = REQUEST.replace(b"Host: x", b"Host: " + b"x" * 3_000)
    with serving(run, Protocol) as port:
        found = await told(port, first, second, third, second, third, first, large, large)
        # Those of servers before are smaller.
        assert max(map(len, http_protocol._REPEATED.values())) == 2
    assert numbers(found) == [1, 1, 1, 2, 2, 1, 1, 1]
