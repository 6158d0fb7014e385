"""Content codings: what is compressed, for whom, and that it is the same answer."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.compress import Coding, Compressed, available_codings
from exposure.api.negotiate import choose_token
from fakes.api_house import ApiHouse
from fakes.asgi_client import Answer, call

LONG = b'{"a":1}\n' * 1000
JSON = (("content-type", "application/json"),)


def app(
    parts: Sequence[bytes], headers: Sequence[tuple[str, str]] = JSON, status: int = 200, breaks: bool = False
) -> ASGIApp:
    """Return an application that answers with these parts, or breaks off behind them."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for number, part in enumerate(parts):
            more = breaks or number < len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": more})
        if breaks:
            raise RuntimeError("broken off")

    return answer


async def asked(served: ASGIApp, accepted: str = "gzip") -> Answer:
    return await call(Compressed(served), "GET", "/", headers={"accept-encoding": accepted})


async def test_a_long_answer_is_compressed_and_says_so() -> None:
    answer = await asked(app([LONG], (*JSON, ("content-length", str(len(LONG))))))
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.body) == LONG
    assert len(answer.body) < len(LONG) / 10


async def test_parts_are_compressed_as_they_pass() -> None:
    parts = [LONG, b"", b"x" * 100_000, b"end"]
    answer = await asked(app(parts))
    assert gzip.decompress(answer.body) == b"".join(parts)
    assert "content-length" not in answer.headers


async def test_an_answer_that_breaks_off_lacks_the_end_of_its_coding() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip")]}
    with pytest.raises(RuntimeError):
        await Compressed(app([b"x" * 100_000] * 3, breaks=True))(scope, receive, send)
    assert all(message["more_body"] for message in sent[1:])
    body = b"".join(message["body"] for message in sent[1:])
    assert not zlib.decompressobj(31).decompress(body).endswith(b"x" * 300_000)
    with pytest.raises(EOFError):
        gzip.decompress(body)


@pytest.mark.parametrize(
    ("served", "why"),
    [
        (app([b"{}"]), "it is short"),
        (app([LONG], (("content-type", "application/vnd.apache.parquet"),)), "it is packed already"),
        (app([LONG], (("content-type", "image/png"),)), "it is packed already"),
        (app([LONG], ()), "nobody knows what it is"),
        (app([LONG], (*JSON, ("content-encoding", "br"))), "it is coded already"),
        (app([LONG], (*JSON, ("cache-control", "no-store, no-transform"))), "it says not to"),
        (app([b""], JSON, 304), "there is nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_worth_it_is_left_as_it_is(served: ASGIApp, why: str) -> None:
    plain = await call(served, "GET", "/")
    answer = await asked(served)
    assert answer.body == plain.body, why
    assert answer.headers.get("content-encoding") == plain.headers.get("content-encoding")


async def test_who_asks_for_no_coding_gets_none_and_caches_are_told_of_the_others() -> None:
    answer = await asked(app([LONG]), "")
    assert (answer.body, answer.headers["vary"]) == (LONG, "Accept-Encoding")
    assert "content-encoding" not in answer.headers


async def test_a_vary_that_is_there_already_is_kept() -> None:
    answer = await asked(app([LONG], (*JSON, ("vary", "Accept"))))
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


OFFERED = ("zstd", "br", "gzip")


@pytest.mark.parametrize(
    ("accepted", "token"),
    [
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("br;q=0, *", "zstd"),
        ("zstd;q=0, br;q=0, *;q=0.1", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("gzip;q=0.5, identity;q=0", "gzip"),
        ("gzip;q=nonsense", None),
    ],
)
def test_the_preferred_coding_is_chosen(accepted: str, token: str | None) -> None:
    assert choose_token(accepted, OFFERED) == token


def test_a_coding_without_its_library_is_not_offered() -> None:
    assert not Coding("x", "no_such_library", lambda _: zlib.compressobj()).is_available
    assert [one.token for one in available_codings()][-1] == "gzip"


async def test_a_coding_is_one_line_more() -> None:
    deflate = Coding("deflate", "zlib", lambda library: library.compressobj())
    answer = await call(
        Compressed(app([LONG]), [deflate]), "GET", "/", headers={"accept-encoding": "deflate"}
    )
    assert zlib.decompress(answer.body) == LONG


@pytest.mark.parametrize("path", ["/v1/orders?page_size=1000", "/v1/orders:export", "/openapi.json"])
async def test_a_compressed_answer_is_the_plain_one(api: ApiHouse, path: str) -> None:
    plain = await api.get(path, **{"accept-encoding": "identity"})
    coded = await api.get(path, **{"accept-encoding": "gzip"})
    assert coded.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert coded.json().get("data") == plain.json().get("data")
    assert "Accept-Encoding" in plain.headers["vary"]
