"""API keys: only who has the secret gets in, and the file that keeps them holds none."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.access import keys
from exposure.api.access.keys import (
    KeyOrder,
    StoredKeys,
    TooManyKeys,
    WrongKeys,
    digest,
    find,
    issue,
    read_keys,
    revoke,
    write_keys,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


def order(name: str = "shop", **changes: Any) -> KeyOrder:
    usual: dict[str, Any] = {"scopes": ("sales",), "created": NOW, "expires": NOW + YEAR}
    return KeyOrder(name, **(usual | changes))


def by_id(kept: StoredKeys) -> dict[str, keys.StoredKey]:
    return {key.id: key for key in kept.keys}


KEPT, TEXT = issue(StoredKeys(), order(claims={"customer": ("4711",)}))


def test_a_key_has_a_prefix_to_be_found_by_and_256_random_bits() -> None:
    prefix, key_id, secret = TEXT.split("_", 2)
    assert (prefix, key_id) == ("dxp", KEPT.keys[0].id)
    assert len(secret) * 6 >= 256
    assert len({issue(StoredKeys(), order())[1] for _ in range(100)}) == 100


def test_what_is_kept_of_a_key_is_not_the_key() -> None:
    content = write_keys(KEPT).decode()
    assert TEXT not in content
    assert TEXT.split("_", 2)[2] not in content
    assert digest(TEXT) in content


def test_a_key_is_found_by_its_text_and_by_no_other() -> None:
    kept = by_id(KEPT)
    assert find(kept, TEXT) == KEPT.keys[0]
    for place in range(len(TEXT)):
        changed = TEXT[:place] + ("a" if TEXT[place] != "a" else "b") + TEXT[place + 1 :]
        assert find(kept, changed) is None
    for wrong in ("", " ", TEXT + "a", TEXT[:-1], TEXT.upper(), f" {TEXT}", digest(TEXT), KEPT.keys[0].id):
        assert find(kept, wrong) is None


@given(st.text())
def test_no_text_is_a_key_by_chance(text: str) -> None:
    assert find(by_id(KEPT), text) is None


def test_known_and_unknown_ids_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    same = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return same(one, other)

    monkeypatch.setattr("exposure.api.access.keys.hmac.compare_digest", watched)
    wrong_secret = TEXT[:-1] + ("a" if TEXT[-1] != "a" else "b")
    for text in (TEXT, wrong_secret, "dxp_0000000000000000_" + "a" * 43, "no key at all"):
        find(by_id(KEPT), text)
    assert compared == [(64, 64)] * 4


def test_two_keys_of_a_name_are_valid_at_a_time_and_not_three() -> None:
    kept, _ = issue(KEPT, order())
    with pytest.raises(TooManyKeys, match=kept.keys[1].id):
        issue(kept, order())
    other, _ = issue(kept, order("other"))
    assert len(other.keys) == 3


def test_what_is_revoked_or_expired_makes_room_for_another() -> None:
    kept, _ = issue(KEPT, order())
    assert len(issue(revoke(kept, kept.keys[0].id, NOW), order())[0].keys) == 3
    later = NOW + YEAR
    assert len(issue(kept, order(created=later, expires=later + YEAR))[0].keys) == 3


def test_a_key_is_valid_until_it_expires_or_is_revoked() -> None:
    [key] = KEPT.keys
    assert key.is_valid(NOW + YEAR - timedelta(seconds=1))
    assert not key.is_valid(NOW + YEAR)
    [revoked] = revoke(KEPT, key.id, NOW).keys
    assert not revoked.is_valid(NOW)


def test_a_key_revoked_twice_was_revoked_the_first_time() -> None:
    once = revoke(KEPT, KEPT.keys[0].id, NOW)
    assert revoke(once, KEPT.keys[0].id, NOW + YEAR) == once


def test_only_a_key_that_is_there_is_revoked() -> None:
    with pytest.raises(KeyError):
        revoke(KEPT, "nosuch", NOW)


def test_keys_are_read_as_they_were_written() -> None:
    kept, _ = issue(revoke(KEPT, KEPT.keys[0].id, NOW), order("other", claims={"a": ("1", "2"), "b": ()}))
    assert read_keys(write_keys(kept)) == kept


def wrong(**changes: object) -> bytes:
    document = json.loads(write_keys(KEPT))
    document["keys"][0] |= changes
    return json.dumps(document).encode()


SECRET = "dxp_secret"
WRONG = {
    "no JSON": b"{",
    "no UTF-8": b"\xff",
    "nothing": b"",
    "a list": b"[]",
    "an unknown field": wrong(secrte=SECRET),
    "a hash that is none": wrong(hash=SECRET),
    "a hash in capitals": wrong(hash="A" * 64),
    "a name that is none": wrong(name=""),
    "a time without offset": wrong(expires="2027-01-01T00:00:00"),
    "a time that is none": wrong(created="soon"),
    "scopes that are no list": wrong(scopes=SECRET),
    "claims that are no lists": wrong(claims={"a": SECRET}),
    "one key twice": json.dumps({"keys": json.loads(write_keys(KEPT))["keys"] * 2}).encode(),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_not_right_is_refused_without_telling_what_is_in_it(content: bytes) -> None:
    with pytest.raises(WrongKeys) as refusal:
        read_keys(content)
    assert SECRET not in str(refusal.value)
    assert KEPT.keys[0].hash not in str(refusal.value)
