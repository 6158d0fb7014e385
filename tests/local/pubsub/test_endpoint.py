"""HTTP to a push endpoint, against servers that answer byte for byte what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

import pytest

from exposure.local.pubsub.endpoint import Endpoint, Unanswered

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[Endpoint]:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await talk(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    endpoint = Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/push?q=1")
    async with server:
        yield endpoint
        endpoint.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


def answering(*answers: bytes) -> tuple[Talk, list[bytes], list[int]]:
    """Answer each connection's requests with the answers in turn; tell requests and connections."""
    requests: list[bytes] = []
    connections: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        for answer in answers:
            try:
                requests.append(await read_request(reader))
            except asyncio.IncompleteReadError:
                return
            writer.write(answer)
            await writer.drain()

    return talk, requests, connections


async def test_a_post_carries_path_headers_and_body() -> None:
    talk, requests, _ = answering(OK)
    async with serving(talk) as endpoint:
        assert await endpoint.post({"X-One": "1"}, b"body") == 200
    head, body = requests[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /push?q=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-One: 1\r\nContent-Length: 4" in head
    assert body == b"body"


async def test_a_connection_serves_one_post_after_the_other() -> None:
    talk, _, connections = answering(*[OK] * 5)
    async with serving(talk) as endpoint:
        for _ in range(5):
            await endpoint.post({}, b"x")
    assert len(connections) == 1


async def test_posts_at_the_same_time_have_connections_of_their_own() -> None:
    talk, _, connections = answering(*[OK] * 5)
    async with serving(talk) as endpoint:
        assert await asyncio.gather(*(endpoint.post({}, b"x") for _ in range(5))) == [200] * 5
    assert len(connections) == 5


async def test_a_connection_closed_while_idle_is_replaced_without_a_failure() -> None:
    talk, requests, connections = answering(OK)
    async with serving(talk) as endpoint:
        for _ in range(3):
            assert await endpoint.post({}, b"x") == 200
    assert len(requests) == len(connections) == 3


@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["with the answer", "after it"])
async def test_an_answer_nobody_asked_for_costs_its_connection_and_no_post(pause: float) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        unasked = connections == 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await read_request(reader)
                writer.write(OK)
                if unasked:
                    await asyncio.sleep(pause)
                    writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    async with serving(talk) as endpoint, asyncio.timeout(5):
        assert await endpoint.post({}, b"x") == 200
        await asyncio.sleep(3 * pause)
        assert await asyncio.gather(*(endpoint.post({}, b"x") for _ in range(2))) == [200, 200]
        assert await endpoint.post({}, b"x") == 200
    assert connections == 3


async def test_a_status_102_is_an_answer_and_its_connection_is_not_used_again() -> None:
    talk, _, connections = answering(b"HTTP/1.1 102 Processing\r\n\r\n" + OK, OK)
    async with serving(talk) as endpoint:
        assert await endpoint.post({}, b"x") == 102
        assert await endpoint.post({}, b"x") == 102
    assert len(connections) == 2


@pytest.mark.parametrize("interim", [b"100 Continue", b"103 Early Hints"])
async def test_an_interim_status_is_waited_through(interim: bytes) -> None:
    talk, _, _ = answering(b"HTTP/1.1 " + interim + b"\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    async with serving(talk) as endpoint:
        assert await endpoint.post({}, b"x") == 503


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_every_framing_of_an_answer_is_understood(answer: bytes) -> None:
    talk, _, _ = answering(answer)
    async with serving(talk) as endpoint:
        for _ in range(2):
            assert await endpoint.post({}, b"x") in (200, 204)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-server\r\n\r\n", b"\x00\xff\r\n\r\n"])
async def test_what_is_no_answer_is_told_apart(answer: bytes) -> None:
    talk, _, _ = answering(answer)
    async with serving(talk) as endpoint:
        with pytest.raises(Unanswered):
            await endpoint.post({}, b"x")


async def test_a_refused_connection_is_no_answer() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(Unanswered, match="cannot be reached"):
        await Endpoint(f"http://127.0.0.1:{port}/").post({}, b"x")


async def test_a_post_given_up_closes_its_connection_and_leaves_the_next_one_alone() -> None:
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if request.endswith(b"fast"):
            writer.write(OK)
            return
        with suppress(ConnectionError):
            await reader.read()
        closed.set()

    async with serving(talk) as endpoint:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(endpoint.post({}, b"slow"), 0.05)
        await asyncio.wait_for(closed.wait(), 5)
        assert await endpoint.post({}, b"fast") == 200


@pytest.mark.parametrize(
    "headers", [{"a b": "x"}, {"": "x"}, {"x": "line\r\nbreak"}, {"x": "nul\0"}, {"ü": "x"}]
)
async def test_a_header_http_cannot_carry_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        await Endpoint("http://127.0.0.1:1/").post(headers, b"")
