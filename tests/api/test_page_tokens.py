"""A page token over HTTP: only as it was given, only to whom and for what it was given."""

from __future__ import annotations

import base64

import duckdb
import pytest

from exposure.api.seal import TokenSealer
from fakes.api_house import TOKEN_KEY, ApiHouse, api_house

URL = "/v1/orders?select=order_id&page_size=1&order=total"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


async def token_of(api: ApiHouse, url: str = URL) -> str:
    token: str = (await api.get(url)).json()["next_page_token"]
    return token


async def refused(api: ApiHouse, token: str, url: str = URL) -> str:
    """Return the code with which a token is refused, without the warehouse being asked."""
    problem = await api.refused(f"{url}&page_token={token}")
    assert [one["parameter"] for one in problem["errors"]] == ["page_token"]
    code: str = problem["code"]
    return code


async def test_a_token_with_any_bit_flipped_is_refused(api: ApiHouse) -> None:
    token = await token_of(api)
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        written = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert await refused(api, written) == "INVALID_PAGE_TOKEN", bit
    assert (await api.get(f"{URL}&page_token={token}")).status_code == 200


async def test_a_token_with_any_character_changed_or_missing_is_refused(api: ApiHouse) -> None:
    token = await token_of(api)
    for place, character in enumerate(token):
        other = _ALPHABET[(_ALPHABET.index(character) + 1) % len(_ALPHABET)]
        for changed in (other, "", "%00", "%3D", "+", character * 2):
            written = token[:place] + changed + token[place + 1 :]
            # Of two neighbours alike, either may be missing; the token without one is another one.
            assert await refused(api, written) == "INVALID_PAGE_TOKEN", (place, changed)


async def test_a_token_cut_short_or_made_longer_is_refused(api: ApiHouse) -> None:
    token = await token_of(api)
    for length in range(1, len(token)):
        assert await refused(api, token[:length]) == "INVALID_PAGE_TOKEN"
        assert await refused(api, token[length:]) == "INVALID_PAGE_TOKEN"
    for more in ("A", "=", "==", "%20", "%0A", "%00", token):
        assert await refused(api, token + more) == "INVALID_PAGE_TOKEN"
        if not more.startswith("="):
            assert await refused(api, more + token) == "INVALID_PAGE_TOKEN"


async def test_two_tokens_make_no_third(api: ApiHouse) -> None:
    one, other = await token_of(api), await token_of(api, URL.replace("page_size=1", "page_size=2"))
    # So much of the other that it cannot be the same by chance.
    for place in range(1, min(len(one), len(other)) - 7, 7):
        assert await refused(api, one[:place] + other[place:]) == "INVALID_PAGE_TOKEN"


async def test_a_token_is_of_its_own_contract_alone(api: ApiHouse) -> None:
    events = "/v1/analytics_table?page_size=1"
    assert await refused(api, await token_of(api), events) == "PAGE_TOKEN_MISMATCH"


@pytest.mark.parametrize("path", ["/v1/orders:export?", "/v1/orders/ord-000001?", "/v1/orders:aggregate?"])
async def test_where_there_are_no_pages_no_token_is_taken(api: ApiHouse, path: str) -> None:
    assert await refused(api, await token_of(api), path) == "INVALID_PARAMETER"


async def test_a_token_of_another_house_opens_nothing_here(warehouse: duckdb.DuckDBPyConnection) -> None:
    async with api_house(warehouse) as api:
        foreign = TokenSealer([bytes(reversed(TOKEN_KEY))]).seal(b"[]")
        assert await refused(api, foreign) == "INVALID_PAGE_TOKEN"


async def test_what_was_sealed_here_and_is_no_place_of_this_release_is_refused(api: ApiHouse) -> None:
    for content in (b"", b"[]", b"{}", b"null", b'["a",[],[]]', b"\xff"):
        token = TokenSealer([TOKEN_KEY]).seal(content)
        assert await refused(api, token) in ("INVALID_PAGE_TOKEN", "PAGE_TOKEN_MISMATCH")
