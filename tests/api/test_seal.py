from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.seal import TokenSealer
from exposure.query.page_token import BadPageToken

OLD, NEW, FOREIGN = bytes(32), bytes([1] * 32), bytes([2] * 32)
CONTENT = b"the place behind the last row"


@given(st.binary(max_size=300))
def test_what_was_sealed_is_opened_and_looks_like_nothing_in_between(content: bytes) -> None:
    token = TokenSealer([NEW]).seal(content)
    assert TokenSealer([NEW]).open(token) == content
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


def test_two_seals_of_one_place_differ() -> None:
    sealer = TokenSealer([NEW])
    assert sealer.seal(CONTENT) != sealer.seal(CONTENT)


def test_every_flipped_bit_is_refused() -> None:
    sealer = TokenSealer([NEW])
    token = sealer.seal(CONTENT)
    sealed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for bit in range(len(sealed) * 8):
        sealed[bit // 8] ^= 1 << bit % 8
        changed = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        with pytest.raises(BadPageToken) as refusal:
            sealer.open(changed)
        assert refusal.value.code == "INVALID_PAGE_TOKEN"
        sealed[bit // 8] ^= 1 << bit % 8
    assert sealer.open(token) == CONTENT


def test_every_truncation_is_refused() -> None:
    sealer = TokenSealer([NEW])
    token = sealer.seal(CONTENT)
    for length in range(len(token)):
        with pytest.raises(BadPageToken):
            sealer.open(token[:length])


def test_one_place_has_one_spelling() -> None:
    sealer = TokenSealer([NEW])
    # One byte behind a multiple of three leaves bits in the last character that decoding ignores.
    token = sealer.seal(b"x" * 3)
    for other in (f"{token}=", f"{token}\n", f" {token}", token[:-1] + chr(ord(token[-1]) + 1)):
        with pytest.raises(BadPageToken):
            sealer.open(other)


def test_a_key_that_sealed_before_still_opens_and_the_first_one_seals() -> None:
    rotated = TokenSealer([NEW, OLD])
    assert rotated.open(TokenSealer([OLD]).seal(CONTENT)) == CONTENT
    assert TokenSealer([NEW]).open(rotated.seal(CONTENT)) == CONTENT


def test_a_foreign_key_is_refused() -> None:
    with pytest.raises(BadPageToken):
        TokenSealer([NEW, OLD]).open(TokenSealer([FOREIGN]).seal(CONTENT))


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadPageToken):
        TokenSealer([NEW]).open(text)


@pytest.mark.parametrize("keys", [[], [b"short"]])
def test_a_sealer_without_a_usable_key_cannot_be_made(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        TokenSealer(keys)
