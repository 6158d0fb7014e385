"""Tags say which answer a client has, and cost no question; they change with the table, and with no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from exposure.api.cache.conditions import Condition
from exposure.api.cache.windows import Windows
from fakes.cached_house import PAST, STALE, CachedHouse, cached_house, status_of

URLS = (
    "/v1/payments?page_size=3",
    "/v1/payments/pay-acme-1",
    "/v1/payments:aggregate?measures=count",
    "/v1/payments:facets?columns=note",
)
OTHERS = tuple(url.replace("payments", "rates").replace("pay-acme", "pay-world") for url in URLS)


async def tags(house: CachedHouse, urls: tuple[str, ...], key: str = "bank") -> list[str]:
    return [(await house.get(url, key)).headers["etag"] for url in urls]


@pytest.mark.parametrize("url", URLS)
async def test_who_has_the_answer_gets_none_and_no_question_is_asked(house: CachedHouse, url: str) -> None:
    first = await house.get(url)
    asked = house.asked
    for _ in range(3):
        answer = await house.get(url, **{"If-None-Match": first.headers["etag"]})
        assert (answer.status_code, answer.content) == (304, b"")
        for name in ("etag", "cache-control"):
            assert answer.headers[name] == first.headers[name]
        assert set(answer.headers["vary"].split(", ")) == set(first.headers["vary"].split(", "))
        assert answer.headers["x-bytes-billed"] == "0"
        assert answer.headers["x-tier"] == "cache"
    assert house.asked == asked


async def test_a_tag_of_the_version_needs_no_kept_answer(house: CachedHouse) -> None:
    [tag] = await tags(house, URLS[:1])
    house.cache.store.drop(next(iter(house.cache.store._entries)))
    assert (await house.get(URLS[0], **{"If-None-Match": tag})).status_code == 304
    assert house.asked == 1


async def test_a_new_version_changes_every_tag_of_its_table_and_no_other(house: CachedHouse) -> None:
    before, others = await tags(house, URLS), await tags(house, OTHERS)
    assert len({*before, *others}) == len(URLS) * 2
    house.clock.turn(PAST)
    house.versions.turn("payments")
    assert not set(await tags(house, URLS)) & set(before)
    assert await tags(house, OTHERS) == others


async def test_a_tag_is_of_one_representation_one_coding_and_one_view(house: CachedHouse) -> None:
    found = set()
    for fields in ({}, {"Accept": "text/csv"}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br"}):
        for key in ("bank", "open-acme", "open-bolt", "blind-acme"):
            answer = await house.get(URLS[0], key, **({"Accept-Encoding": "identity"} | fields))
            found.add(answer.headers["etag"])
    assert len(found) == 16


async def test_a_tag_of_a_view_is_no_use_to_another(house: CachedHouse) -> None:
    [tag] = await tags(house, URLS[:1], "open-acme")
    answer = await house.get(URLS[0], "open-bolt", **{"If-None-Match": tag})
    assert answer.status_code == 200
    assert "acme" not in answer.text


@pytest.mark.parametrize("form", ["{0}", '"x", {0}', '{0}, "x"', 'W/"x",{0},', "{1}", ' , "a,b" , {1} '])
async def test_every_form_of_a_condition_is_understood(house: CachedHouse, form: str) -> None:
    [tag] = await tags(house, URLS[:1])
    asked = form.format(tag, tag.removeprefix("W/"))
    assert (await house.get(URLS[0], **{"If-None-Match": asked})).status_code == 304


@pytest.mark.parametrize("form", ["", "x", '"x"', "{2}", '"x" {0}', "{0} x", "**", "{3}"])
async def test_what_names_no_answer_that_is_had_gets_one(house: CachedHouse, form: str) -> None:
    [tag] = await tags(house, URLS[:1])
    asked = form.format(tag, tag, tag.removeprefix("W/").strip('"'), tag[:-2] + '"')
    assert (await house.get(URLS[0], **{"If-None-Match": asked})).status_code == 200


async def test_any_answer_will_do_where_there_is_one_to_have(house: CachedHouse) -> None:
    assert (await house.get(URLS[0], **{"If-None-Match": "*"})).status_code == 304
    assert (await house.get(URLS[0], **{"If-None-Match": "*"})).status_code == 304
    assert (await house.get("/v1/payments/nosuch", **{"If-None-Match": "*"})).status_code == 404
    assert (await house.get("/v1/payments?x=1", **{"If-None-Match": "*"})).status_code == 400


async def test_a_stale_answer_that_is_had_is_not_sent_again(house: CachedHouse) -> None:
    [tag] = await tags(house, URLS[:1])
    house.age(STALE)
    answer = await house.get(URLS[0], **{"If-None-Match": tag})
    assert (answer.status_code, status_of(answer)) == (304, "hit; detail=stale-while-revalidate")
    await house.settle()
    assert (await house.get(URLS[0], **{"If-None-Match": tag})).status_code == 200


async def test_a_head_says_what_a_get_says_and_has_no_body(house: CachedHouse) -> None:
    key = {"X-API-Key": house.house.keys["bank"]}
    for _ in range(3):
        head = await house.house.client.head(URLS[0], headers=key)
        get = await house.get(URLS[0])
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == get.headers["etag"]
        assert head.headers["content-length"] == get.headers["content-length"]
        condition = key | {"If-None-Match": get.headers["etag"]}
        assert (await house.house.client.head(URLS[0], headers=condition)).status_code == 304
    assert house.asked == 1


async def test_what_is_not_kept_says_so_and_has_no_tag(house: CachedHouse) -> None:
    urls = (
        "/v1/payments:export",
        "/v1/payments?explain=1",
        "/v1/payments?x=1",
        "/v1/payments/nosuch",
        "/v1/payments:schema",
        "/v1",
    )
    for url in urls:
        for _ in range(2):
            answer = await house.get(url)
            assert "etag" not in answer.headers, url
            assert answer.headers["cache-control"] == "no-store", url
    assert not house.cache.store.held_bytes


async def test_what_depends_on_the_caller_is_private_and_what_does_not_is_public(house: CachedHouse) -> None:
    rest = "max-age=20, stale-while-revalidate=20, stale-if-error=30"
    assert (await house.get("/v1/rates")).headers["cache-control"] == f"private, {rest}"
    answer = await house.get("/v1/rates", None)
    assert answer.headers["cache-control"] == f"public, {rest}"
    varied = set(answer.headers["vary"].split(", "))
    assert varied == {"Accept", "Accept-Encoding", "Authorization", "X-API-Key"}


async def test_an_age_counts_from_the_beginning_of_the_version(house: CachedHouse) -> None:
    house.versions.turn("payments")
    house.clock.turn(7)
    assert (await house.get(URLS[0])).headers["age"] == "7"
    house.clock.turn(5)
    assert (await house.get(URLS[0])).headers["age"] == "12"
    assert (await house.get(URLS[0])).headers["age"] == "12"


async def test_where_versions_end_by_themselves_others_have_to_ask(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with cached_house(tmp_path, vault, windows=Windows()) as house:
        for _ in range(3):
            answer = await house.get(URLS[0])
            assert answer.headers["cache-control"] == "private, no-cache"
            assert "age" not in answer.headers
        house.age(0.001)
        assert status_of(await house.get(URLS[0])) == "fwd=miss; stored"


@pytest.mark.parametrize("field", ['"' * 5000, ", " * 5000, '"a" ' * 3000, 'W/"a",' * 3000 + "x"])
def test_a_long_wrong_condition_says_nothing(field: str) -> None:
    condition = Condition([field])
    assert not condition.is_any
    assert not condition.is_met_by(b'W/"a"')
