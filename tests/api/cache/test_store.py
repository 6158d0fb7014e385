"""What is kept never takes more room than it may, and what is used stays longest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exposure.api.cache.entry import Entry
from exposure.api.cache.store import Store
from exposure.api.cache.versions import Version

VERSION = Version("1", 0.0)


def entry(size: int = 0) -> Entry:
    return Entry(VERSION, ((b"content-type", b"text/plain"),), bytes(size))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000), st.booleans())))
def test_the_bytes_held_are_those_of_the_entries_and_within_the_bound(
    steps: list[tuple[int, int, bool]],
) -> None:
    store = Store(30_000)
    for number, size, is_drop in steps:
        key = bytes([number])
        if is_drop:
            store.drop(key)
            assert store.get(key) is None
        else:
            new = entry(size)
            assert store.put(key, new) is (new.size <= 30_000 // 8)
        held = sum(one.size for one in store._entries.values())
        assert held == store.held_bytes <= 30_000


def test_the_least_recently_used_goes_first() -> None:
    one = entry(100)
    store = Store(one.size * 8)
    for number in range(8):
        assert store.put(bytes([number]), entry(100))
    store.get(bytes([0]))
    store.put(b"new", entry(100))
    assert store.get(bytes([0])) is not None
    assert store.get(bytes([1])) is None


def test_an_entry_weighs_at_least_what_it_holds() -> None:
    assert entry(5000).size > 5000 + len(b"content-type") + len(b"text/plain")
