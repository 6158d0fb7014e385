"""The disk: group commit, failures, one owner."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exposure.local.pubsub.storage import Change, DataFileBroken, DataFolderLocked, Storage, StorageFailed


def topic(name: str) -> Change:
    return Change("INSERT INTO topics VALUES (?, ?)", (name, b""))


class CountingStorage(Storage):
    """Counts its transactions, and fails them while it is told to."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.transactions = 0
        self.is_full = False

    def _write(self, changes: list[Change]) -> None:
        self.transactions += 1
        if self.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        super()._write(changes)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[CountingStorage]:
    storage = CountingStorage(tmp_path)
    yield storage
    await storage.close()


def topics_on_disk(data_dir: Path) -> int:
    connection = sqlite3.connect(data_dir / "pubsub.sqlite")
    count = int(connection.execute("SELECT count(*) FROM topics").fetchone()[0])
    connection.close()
    return count


async def test_a_commit_is_on_disk_when_it_returns(storage: CountingStorage, tmp_path: Path) -> None:
    await storage.commit(topic("a"))
    assert topics_on_disk(tmp_path) == 1


async def test_callers_at_the_same_time_share_one_commit(storage: CountingStorage, tmp_path: Path) -> None:
    await asyncio.gather(*(storage.commit(topic(f"t{number}")) for number in range(100)))
    assert topics_on_disk(tmp_path) == 100
    assert storage.transactions <= 2


async def test_lazy_changes_travel_with_the_next_commit(storage: CountingStorage, tmp_path: Path) -> None:
    storage.later(topic("lazy"))
    await storage.commit(topic("urgent"))
    assert topics_on_disk(tmp_path) == 2
    assert storage.transactions == 1


async def test_lazy_changes_come_to_disk_by_themselves(storage: CountingStorage, tmp_path: Path) -> None:
    storage.later(topic("lazy"))
    for _ in range(500):
        if topics_on_disk(tmp_path):
            break
        await asyncio.sleep(0.005)
    assert topics_on_disk(tmp_path) == 1


async def test_closing_commits_what_is_left(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.later(topic("lazy"))
    await storage.close()
    assert topics_on_disk(tmp_path) == 1


async def test_a_full_disk_is_told_to_every_caller_and_the_next_commit_succeeds(
    storage: CountingStorage, tmp_path: Path
) -> None:
    storage.is_full = True
    outcomes = await asyncio.gather(
        *(storage.commit(topic(f"t{number}")) for number in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [StorageFailed] * 3
    storage.is_full = False
    await storage.commit(topic("after"))
    assert topics_on_disk(tmp_path) == 1


async def test_a_commit_is_stored_whole_or_not_at_all(storage: CountingStorage, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="UNIQUE"):
        await storage.commit(topic("a"), topic("b"), topic("a"))
    assert topics_on_disk(tmp_path) == 0


async def test_a_lazy_change_that_cannot_be_stored_is_logged(
    storage: CountingStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.is_full = True
    storage.later(topic("lazy"))
    for _ in range(500):
        if caplog.records:
            break
        await asyncio.sleep(0.005)
    storage.is_full = False
    assert "disk is full" in caplog.text


async def test_a_caller_that_gives_up_does_not_take_the_others_commit_with_it(
    storage: CountingStorage, tmp_path: Path
) -> None:
    leaving = asyncio.create_task(storage.commit(topic("leaving")))
    staying = asyncio.create_task(storage.commit(topic("staying")))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert topics_on_disk(tmp_path) == 2


async def test_closing_over_a_full_disk_says_what_was_not_stored_and_frees_the_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = CountingStorage(tmp_path)
    storage.later(topic("lazy"))
    storage.is_full = True
    await storage.close()
    assert "acknowledgements were not stored" in caplog.text
    await Storage(tmp_path).close()


async def test_a_data_folder_has_one_server(storage: CountingStorage, tmp_path: Path) -> None:
    assert storage.transactions == 0
    with pytest.raises(DataFolderLocked, match=f"the data folder {tmp_path} is in use by another process"):
        Storage(tmp_path)


async def test_a_closed_storage_refuses_to_promise_anything(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    await storage.close()
    await storage.close()
    with pytest.raises(StorageFailed, match="closed"):
        await storage.commit(topic("late"))


async def test_a_closed_data_folder_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        await Storage(tmp_path).close()


async def test_a_file_that_is_no_database_is_told_in_one_line_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pubsub.sqlite"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    for _ in range(2):
        with pytest.raises(DataFileBroken, match=r"pubsub\.sqlite is not the message store"):
            Storage(tmp_path)
    assert path.read_bytes().startswith(b"this is not")


async def test_a_database_that_is_damaged_inside_is_told_in_one_line(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    await storage.commit(*(topic(f"{number:0500}") for number in range(100)))
    await storage.close()
    path = tmp_path / "pubsub.sqlite"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * len(content[8192:])
    path.write_bytes(content)
    again = Storage(tmp_path)
    with pytest.raises(DataFileBroken, match=r"pubsub\.sqlite is not .* move it away to start empty"):
        list(again.topics())
    await again.close()
