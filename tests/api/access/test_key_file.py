"""The keys of a file that somebody else changes."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exposure.api.access.caller import Unauthenticated
from exposure.api.access.key_file import SECONDS_BETWEEN_LOOKS, KeyFile
from exposure.api.access.keys import KeyOrder, StoredKeys, WrongKeys, issue, revoke, write_keys
from exposure.contracts.access import Credential

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ORDER = KeyOrder("shop", ("sales", "stock"), NOON, NOON + timedelta(days=1), {"customer": ("4711", "5")})
KEPT, TEXT = issue(StoredKeys(), ORDER)


class Clock:
    """A time that stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_bytes(write_keys(KEPT))
    return path


def put(path: Path, content: bytes | None) -> None:
    """Write the file; without content, delete it."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def later(clock: Clock) -> None:
    clock.now += timedelta(seconds=SECONDS_BETWEEN_LOOKS)


async def test_a_key_says_whose_it_is_and_what_it_grants(path: Path, clock: Clock) -> None:
    caller = (await KeyFile(path, clock).known(TEXT)).caller
    assert (caller.subject, caller.credential) == ("key:shop", Credential.KEY)
    assert caller.scopes == {"sales", "stock"}
    assert caller.claim("customer") == ("4711", "5")
    assert caller.claim("nosuch") == ()


async def test_two_keys_of_one_name_are_one_caller(path: Path, clock: Clock) -> None:
    kept, second = issue(KEPT, ORDER)
    put(path, write_keys(kept))
    file = KeyFile(path, clock)
    assert (await file.known(TEXT)).caller == (await file.known(second)).caller


async def test_whoever_has_no_secret_learns_nothing(path: Path, clock: Clock) -> None:
    put(path, write_keys(revoke(KEPT, KEPT.keys[0].id, NOON)))
    file = KeyFile(path, clock)
    for text in (
        "",
        "dxp_",
        TEXT[:-1] + "!",
        f"dxp_{KEPT.keys[0].id}_{'a' * 43}",
        f"dxp_{'0' * 16}_{'a' * 43}",
    ):
        with pytest.raises(Unauthenticated, match=r"^the API key is not valid$"):
            await file.known(text)


async def test_who_has_the_secret_is_told_why_it_counts_no_longer(path: Path, clock: Clock) -> None:
    file = KeyFile(path, clock)
    clock.now = NOON + timedelta(days=1)
    with pytest.raises(Unauthenticated, match="expired"):
        await file.known(TEXT)
    put(path, write_keys(revoke(KEPT, KEPT.keys[0].id, NOON)))
    later(clock)
    with pytest.raises(Unauthenticated, match="revoked"):
        await file.known(TEXT)


async def test_a_changed_file_is_in_force_within_seconds(path: Path, clock: Clock) -> None:
    file = KeyFile(path, clock)
    kept, new = issue(revoke(KEPT, KEPT.keys[0].id, NOON), ORDER)
    put(path, write_keys(kept))
    later(clock)
    assert (await file.known(new)).caller.subject == "key:shop"
    with pytest.raises(Unauthenticated, match="revoked"):
        await file.known(TEXT)


async def test_a_changed_file_of_the_same_time_and_size_is_seen(path: Path, clock: Clock) -> None:
    file = KeyFile(path, clock)
    content = write_keys(KEPT)
    put(path, content.replace(KEPT.keys[0].hash.encode(), b"0" * 64))
    later(clock)
    with pytest.raises(Unauthenticated):
        await file.known(TEXT)


async def test_the_file_is_not_read_for_every_request(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeyFile(path, clock)
    reads: list[Path] = []

    def watched(read: Path) -> bytes:
        reads.append(read)
        return read.read_bytes()

    monkeypatch.setattr("exposure.api.access.key_file._read", watched)
    for _ in range(100):
        await file.known(TEXT)
    assert reads == []
    later(clock)
    await asyncio.gather(*(file.known(TEXT) for _ in range(100)))
    assert reads == [path]


@pytest.mark.parametrize("content", [b"{", b"x" * (2**20 + 1), None], ids=["rubbish", "too long", "gone"])
async def test_while_the_file_is_not_right_the_keys_before_stay_in_force(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    file = KeyFile(path, clock)
    put(path, content)
    later(clock)
    assert (await file.known(TEXT)).caller.subject == "key:shop"
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert str(path) in record.getMessage()
    put(path, write_keys(StoredKeys()))
    later(clock)
    with pytest.raises(Unauthenticated):
        await file.known(TEXT)


def test_a_file_that_is_not_right_at_the_start_stops_the_start_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(FileNotFoundError, match=r"keys\.json"):
        KeyFile(path)
    path.write_bytes(b"[]")
    with pytest.raises(WrongKeys, match=r"keys\.json"):
        KeyFile(path)
