"""Whatever breaks in the middle of an export is an error to the standard client of its format."""

from __future__ import annotations

import contextlib
import csv
import http.client
import io
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import duckdb
import httpx
import pyarrow as pa
import pytest
import requests
from pyarrow import parquet

from exposure.api.compress import available_codings
from fakes.served_api import ServedApi, served_api

CODINGS = tuple(one.token for one in available_codings())
FORMATS = ("json", "json&shape=arrays", "ndjson", "ndjson&end_record=true", "csv", "arrow", "parquet")
PATH = "/v1/orders:export?format="
PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture(scope="module")
def served(warehouse: duckdb.DuckDBPyConnection) -> Iterator[ServedApi]:
    with served_api(warehouse) as served, CLIENT:
        yield served


# One for all: making one reads every certificate the machine trusts.
CLIENT = httpx.Client(trust_env=False)


def by_httpx(url: str) -> object:
    return CLIENT.get(url).content


def by_requests(url: str) -> object:
    return requests.get(url, timeout=30).content


def by_urllib(url: str) -> object:
    return opened(url, lambda body: body.read())


def opened(url: str, read: Callable[[BinaryIO], object]) -> object:
    with urllib.request.urlopen(url, timeout=30) as body:  # noqa: S310  # the test's own server
        return read(body)


class NoEndRecord(Exception):
    """The last line is not the one that ends the answer."""


def sealed_lines(body: BinaryIO) -> list[object]:
    """Return the rows, read line by line: urllib's readline takes a broken connection for the end."""
    lines = [json.loads(line) for line in body]
    if not lines or lines[-1].get("_end", {}).get("rows") != len(lines) - 1:
        raise NoEndRecord
    return lines[:-1]


# The client everybody would use for the format, reading off the connection as the bytes come.
NATIVE: dict[str, Callable[[BinaryIO], object]] = {
    "json": json.load,
    "json&shape=arrays": json.load,
    "ndjson": lambda body: [json.loads(line) for line in body.read().splitlines()],
    "ndjson&end_record=true": sealed_lines,
    "csv": lambda body: list(csv.reader(io.TextIOWrapper(body, newline=""))),
    "arrow": lambda body: pa.ipc.open_stream(body).read_all(),
    "parquet": lambda body: parquet.read_table(io.BytesIO(body.read())),
}
GENERAL = (by_httpx, by_requests, by_urllib)
BROKEN = (
    httpx.RemoteProtocolError, requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError,
    http.client.IncompleteRead, ConnectionError, pa.ArrowException, NoEndRecord, json.JSONDecodeError,
)  # fmt: skip


@pytest.fixture
def unbroken(served: ServedApi) -> Iterator[ServedApi]:
    served.reader.parts = -1
    yield served
    served.reader.parts = -1


@pytest.mark.parametrize("words", FORMATS)
def test_every_client_reads_an_export_that_does_not_break(unbroken: ServedApi, words: str) -> None:
    bodies = {get(unbroken.url + PATH + words) for get in GENERAL if "json" not in words or get is by_httpx}
    assert all(bodies)
    assert opened(unbroken.url + PATH + words, NATIVE[words])


@pytest.mark.parametrize("words", FORMATS)
def test_a_warehouse_that_goes_away_at_any_part_is_an_error_to_every_client(
    unbroken: ServedApi, words: str
) -> None:
    url, reader = unbroken.url + PATH + words, unbroken.reader
    by_httpx(url)
    parts = reader.streams[-1].parts
    # Arrow comes in one batch here, then the end; the others in parts of seven rows.
    assert parts >= 2
    for reader.parts in range(1, parts):
        for get in GENERAL:
            with pytest.raises(BROKEN):
                get(url)
        with pytest.raises(BROKEN):
            opened(url, NATIVE[words])
        for coding in CODINGS:
            with pytest.raises(BROKEN):
                CLIENT.get(url, headers={"Accept-Encoding": coding})


def test_every_coding_is_among_those_broken_into() -> None:
    assert CODINGS == ("zstd", "br", "gzip")


@pytest.mark.parametrize("words", FORMATS)
def test_a_warehouse_that_goes_away_before_the_first_part_is_a_problem(
    unbroken: ServedApi, words: str
) -> None:
    unbroken.reader.parts = 0
    answer = CLIENT.get(unbroken.url + PATH + words)
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "secret" not in answer.text


def test_what_broke_off_tells_the_client_nothing_of_why(unbroken: ServedApi) -> None:
    unbroken.reader.parts = 3
    received: list[bytes] = []
    with CLIENT.stream("GET", unbroken.url + PATH + "ndjson", headers=PLAIN) as answer, pytest.raises(BROKEN):
        received.extend(answer.iter_raw())
    lines = b"".join(received).splitlines()
    assert len(lines) == 21
    assert all(json.loads(line)["order_id"] for line in lines)


@pytest.mark.parametrize("words", FORMATS)
def test_a_stream_is_given_up_however_its_answer_ends(unbroken: ServedApi, words: str) -> None:
    for unbroken.reader.parts in (-1, 1, 0):
        with contextlib.suppress(*BROKEN):
            CLIENT.get(unbroken.url + PATH + words)
        _until(lambda: unbroken.reader.streams[-1].closed > 0)


@pytest.mark.parametrize("words", FORMATS)
@pytest.mark.parametrize("coding", ["identity", *CODINGS])
def test_a_connection_cut_at_any_byte_is_an_error_to_every_client(
    unbroken: ServedApi, words: str, coding: str
) -> None:
    recorded = _recorded(unbroken.url, PATH + words, coding)
    begin = recorded.index(b"\r\n\r\n") + 4
    is_coded = f"content-encoding: {coding}".encode() in recorded[:begin].lower()
    assert is_coded == (coding != "identity" and words != "parquet")
    step = max(1, (len(recorded) - begin) // 12)
    places = {*range(begin, len(recorded), step), *range(len(recorded) - 8, len(recorded))}
    # Where nothing is missing to who reads to the format's own end mark, or to the last chunk's zero, behind
    # which urllib asks for no line break.
    has_end_mark = words in ("arrow", "ndjson&end_record=true")
    whole = len(recorded) - (len(b"\r\n0\r\n\r\n") if has_end_mark else len(b"\r\n\r\n"))
    for place in sorted(places):
        with _replayed(recorded[:place]) as url, pytest.raises(BROKEN):
            CLIENT.get(url)
        if place < whole:
            with _replayed(recorded[:place]) as url, pytest.raises(BROKEN):
                by_requests(url)
        if coding == "identity" and place < whole:
            with _replayed(recorded[:place]) as url, pytest.raises(BROKEN):
                opened(url, NATIVE[words])
    with _replayed(recorded) as url:
        assert CLIENT.get(url).content


def test_a_client_that_leaves_ends_the_reading(unbroken: ServedApi) -> None:
    # Nothing is read ahead: what is asked for is what the client has room for.
    with CLIENT.stream("GET", unbroken.url + PATH + "ndjson") as answer:
        next(answer.iter_raw())
    _until(lambda: unbroken.reader.streams[-1].closed > 0)


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def _recorded(url: str, path: str, coding: str) -> bytes:
    """Return the very bytes of an answer, to its end."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@contextmanager
def _replayed(answer: bytes) -> Iterator[str]:
    """Give one client these bytes and then the end of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()
