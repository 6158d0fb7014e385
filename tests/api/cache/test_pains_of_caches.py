"""What the users of other APIs suffer from their caches, or from there being none: impossible here.

An abandoned question that goes on, and retries that storm a used-up quota, are in `test_warehouse_faults`.
"""

from __future__ import annotations

import pytest

from fakes.cached_house import FRESH, STALE, CachedHouse, status_of
from fakes.guarded_house import TENANTS, secret_of

PAGE = "/v1/payments?page_size=3"


async def test_an_answer_that_has_not_changed_is_not_sent_nor_asked_for_again(house: CachedHouse) -> None:
    first = await house.get(PAGE)
    asked = house.asked
    again = await house.get(PAGE, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, house.asked) == (304, b"", asked)


async def test_a_cache_is_made_new_by_itself_and_says_how_old_it_is(house: CachedHouse) -> None:
    first = await house.get(PAGE)
    house.age(STALE)
    stale = await house.get(PAGE)
    assert stale.headers["etag"] == first.headers["etag"]
    assert int(stale.headers["age"]) >= STALE
    await house.settle()
    made = await house.get(PAGE)
    assert made.headers["etag"] != first.headers["etag"]
    assert int(made.headers["age"]) <= FRESH


@pytest.mark.parametrize("tenant", TENANTS)
async def test_no_tenant_is_given_what_is_kept_for_another(house: CachedHouse, tenant: str) -> None:
    url = "/v1/payments?page_size=1000&select=payment,note"
    others = [one for one in TENANTS if one != tenant]
    for key in (*(f"open-{one}" for one in others), "bank"):
        kept = await house.get(url, key)
        assert kept.status_code == 200
        assert (await house.get(url, key)).headers["x-tier"] == "cache"
    answer = await house.get(url, f"open-{tenant}")
    assert secret_of(tenant) in answer.text
    assert not [one for one in others if secret_of(one) in answer.text]
    assert (await house.get(url, None)).status_code == 404


async def test_every_answer_says_which_copy_it_is_of(house: CachedHouse) -> None:
    assert (await house.get(PAGE)).headers["x-tier"] == "warehouse"
    hit = await house.get(PAGE)
    assert hit.headers["x-tier"] == "cache"
    assert status_of(hit).startswith("hit")
    house.age(STALE)
    assert (await house.get(PAGE)).headers["x-tier"] == "stale"
