from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import analytics_table, orders
from exposure.query.grammar import comparable_columns
from exposure.query.model import Row
from fakes.api_house import ORDERS, ApiHouse, api_house, filled_warehouse
from fakes.rows import NOON, order_row

STORED = [column.name for column in orders.CONTRACT.stored_columns]
SORTABLE = [column.name for column in comparable_columns(orders.CONTRACT)]
PROPERTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def test_a_page_is_rows_and_everything_needed_to_judge_them(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders?page_size=2")
    body = answer.json()
    assert set(body) == {"data", "complete", "next_page_token", "as_of", "stats", "window"}
    assert (len(body["data"]), body["complete"]) == (2, False)
    assert body["stats"]["tier"] == "warehouse"
    assert body["stats"]["bytes_billed"] == int(answer.headers["x-bytes-billed"]) == 0
    assert body["as_of"] == answer.headers["x-as-of"]
    assert datetime.fromisoformat(body["as_of"]).tzinfo == UTC
    assert {"Accept", "Accept-Encoding"} <= set(answer.headers["vary"].split(", "))


async def test_the_newest_event_comes_first_and_only_declared_columns(api: ApiHouse) -> None:
    rows = (await api.get("/v1/orders?page_size=1000")).json()["data"]
    expected = sorted(ORDERS, key=lambda row: (row[1], row[0]), reverse=True)
    assert [row["order_id"] for row in rows] == [row[0] for row in expected]
    assert list(rows[0]) == [column.name for column in orders.CONTRACT.columns]


async def test_the_last_page_is_complete_and_leads_nowhere(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders?page_size=1000")
    assert answer.json()["complete"] is True
    assert answer.json()["next_page_token"] is None


async def test_an_answer_without_rows_is_complete_in_both_formats(api: ApiHouse) -> None:
    nothing = "/v1/orders?customer_id.eq=1"
    assert (await api.get(nothing)).json()["data"] == []
    lines = await api.get(nothing, accept="application/x-ndjson")
    assert (lines.content, lines.headers["x-complete"]) == (b"", "true")


async def test_lines_hold_the_rows_of_the_json_answer(api: ApiHouse) -> None:
    url = "/v1/orders?page_size=20&order=order_id"
    expected = (await api.get(url)).json()["data"]
    for media_type in ("application/x-ndjson", "application/ndjson"):
        answer = await api.get(url, accept=media_type)
        assert answer.headers["content-type"] == media_type
        assert [json.loads(line) for line in answer.text.splitlines()] == expected
    one = await api.get("/v1/orders/ord-000001", accept="application/x-ndjson")
    assert json.loads(one.text) == expected[0]


async def test_the_accepted_type_with_the_greater_weight_is_answered(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders", accept="application/json;q=0.5, application/x-ndjson;q=0.9")
    assert answer.headers["content-type"] == "application/x-ndjson"


async def test_accept_given_on_two_lines_is_one_list(api: ApiHouse) -> None:
    answer = await api.client.get(
        "/v1/orders", headers=[("accept", "text/html"), ("accept", "application/x-ndjson")]
    )
    assert answer.headers["content-type"] == "application/x-ndjson"


async def test_every_type_is_written_as_documented() -> None:
    row = order_row(
        order_id='é\u2028"\\\n🙂',
        placed_at=NOON + timedelta(microseconds=1),
        customer_id=-(2**63),
        total=Decimal("19.900000000"),
        weight_kg=0.1,
        deliver_on=datetime(2026, 1, 31, tzinfo=UTC).date(),
        shipping={"street": "a", "city": "b", "postcode": None, "latitude": None},
        items=[{"sku": "s", "quantity": 2**63 - 1, "unit_price": Decimal("0.000000001")}],
        tags=["x", "y"],
        context='{"b":\n [1, 2.50, null]}',
        _extra="null",
    )
    connection = await filled_warehouse([row])
    async with api_house(connection) as api:
        columns = ",".join(STORED)
        [written] = (await api.get(f"/v1/orders?select={columns}")).json()["data"]
        lines = await api.get(f"/v1/orders?select={columns}", accept="application/x-ndjson")
    connection.close()
    assert lines.text.count("\n") == 1
    assert written == json.loads(lines.text) == {
        "order_id": "é\u2028\"\\\n🙂",
        "placed_at": "2026-11-25T12:00:00.000001Z",
        "customer_id": -(2**63),
        "total": "19.9",
        "currency": "EUR",
        "weight_kg": 0.1,
        "paid": True,
        "deliver_on": "2026-01-31",
        "shipping": {"street": "a", "city": "b", "postcode": None, "latitude": None},
        "items": [{"sku": "s", "quantity": 2**63 - 1, "unit_price": "0.000000001"}],
        "tags": ["x", "y"],
        "context": {"b": [1, 2.5, None]},
        "_message_id": "1",
        "_publish_time": "2026-11-25T12:00:00Z",
        "_ingest_time": "2026-11-25T12:00:00Z",
        "_extra": None,
    }  # fmt: skip


async def test_a_number_that_json_cannot_write_is_a_string_and_not_null() -> None:
    weights = [math.nan, math.inf, -math.inf, 1.5]
    rows = [order_row(order_id=str(number), weight_kg=weight) for number, weight in enumerate(weights)]
    connection = await filled_warehouse(rows)
    async with api_house(connection) as api:
        answer = await api.get("/v1/orders?select=weight_kg&order=order_id")
    connection.close()
    assert [row["weight_kg"] for row in answer.json()["data"]] == ["NaN", "Infinity", "-Infinity", 1.5]


# -- page walks


async def test_the_link_and_the_token_lead_to_the_same_next_page_with_the_question_untouched(
    api: ApiHouse,
) -> None:
    url = (
        "/v1/orders?currency.in=Madrid,%22say%20%22%22hi%22%22%2C%20now%22&page_size=3&order=total,-placed_at"
    )
    first = await api.get(url)
    link = first.headers["link"]
    assert link.startswith(f"<{url}&page_token=")
    by_link = await api.ids(link[1 : link.index(">")])
    # Sealing is randomized, so the link's token is another one for the same place.
    assert by_link == await api.ids(f"{url}&page_token={first.json()['next_page_token']}")
    assert not set(by_link) & {row["order_id"] for row in first.json()["data"]}


async def test_following_the_links_walks_every_row_once_in_either_format(api: ApiHouse) -> None:
    whole = await api.ids("/v1/orders?page_size=1000")
    for accept in ("application/json", "application/x-ndjson"):
        url, walked = "/v1/orders?page_size=7", list[str]()
        for _ in range(len(whole)):
            page = await api.get(url, accept=accept)
            assert page.status_code == 200, page.text
            rows = (
                page.json()["data"]
                if accept == "application/json"
                else map(json.loads, page.text.splitlines())
            )
            walked += [row["order_id"] for row in rows]
            if "link" not in page.headers:
                break
            url = page.headers["link"].partition(">")[0].removeprefix("<")
        assert walked == whole


async def test_size_and_columns_may_change_during_a_walk(api: ApiHouse) -> None:
    whole = await api.ids("/v1/orders?order=order_id&page_size=1000")
    first = (await api.get("/v1/orders?order=order_id&page_size=7&select=total")).json()
    rest = await api.ids(f"/v1/orders?order=order_id&page_size=500&page_token={first['next_page_token']}")
    assert rest == whole[7:]


async def test_a_token_of_another_question_is_refused_as_such(api: ApiHouse) -> None:
    token = (await api.get("/v1/orders?total.gt=0&page_size=1")).json()["next_page_token"]
    for other in ("total.gt=1", "total.gte=0", "order=total&total.gt=0", "total.gt=0&paid.eq=true", ""):
        problem = await api.refused(f"/v1/orders?{other}&page_token={token}")
        assert problem["code"] == "PAGE_TOKEN_MISMATCH"
    other_contract = await api.refused(f"/v1/{analytics_table.CONTRACT.name}?page_token={token}")
    assert other_contract["code"] == "PAGE_TOKEN_MISMATCH"


async def test_a_token_with_any_character_changed_or_missing_is_refused(api: ApiHouse) -> None:
    token = (await api.get("/v1/orders?page_size=1")).json()["next_page_token"]
    changed = [
        token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        for index in range(len(token))
    ]
    for one in (*changed, *(token[:length] for length in range(0, len(token), 9)), token + "A", token + "="):
        problem = await api.refused(f"/v1/orders?page_size=1&page_token={one}")
        assert problem["code"] == "INVALID_PAGE_TOKEN"


async def test_a_bad_token_is_named_beside_everything_else_that_is_wrong(api: ApiHouse) -> None:
    codes = await api.error_codes("/v1/orders?page_token=zzz&page_size=0&x=1")
    assert sorted(codes) == ["INVALID_PAGE_TOKEN", "UNKNOWN_PARAMETER", "WRONG_VALUE"]


async def test_a_walk_never_ends_at_a_row_whose_place_no_url_can_hold() -> None:
    long = order_row(order_id="b" * 7000)
    connection = await filled_warehouse([order_row(order_id="a"), long, order_row(order_id="c")])
    async with api_house(connection) as api:
        url = "/v1/orders?order=order_id&select=customer_id&page_size="
        stuck = await api.get(f"{url}2")
        assert (stuck.status_code, stuck.json()["code"]) == (422, "POSITION_TOO_LONG")
        assert len((await api.get(f"{url}3")).json()["data"]) == 3
    connection.close()


def smaller_null_first(left: Any, right: Any) -> int:
    if left is None or right is None:
        return (left is not None) - (right is not None)
    return int(left > right) - int(left < right)


def expected_walk(order: list[str], least_total: int) -> list[object]:
    """Return the ids in order, computed in another way than by SQL."""
    keys = [(STORED.index(entry.removeprefix("-")), entry.startswith("-")) for entry in order]
    keys.append((0, keys[-1][1]))

    def compare(left: Row, right: Row) -> int:
        for index, descending in keys:
            sign = smaller_null_first(left[index], right[index])
            if sign:
                return -sign if descending else sign
        return 0

    rows = [row for row in ORDERS if row[STORED.index("total")] >= least_total]  # type: ignore[operator]
    return [row[0] for row in sorted(rows, key=cmp_to_key(compare))]


@PROPERTY
@given(
    order=st.lists(st.sampled_from(SORTABLE), min_size=1, max_size=4, unique=True),
    signs=st.lists(st.sampled_from(["", "-"]), min_size=4, max_size=4),
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=3),
    least_total=st.integers(-2, 3),
)
async def test_the_pages_of_any_walk_are_the_sorted_rows_each_once(
    api: ApiHouse,
    order: list[str],
    signs: list[str],
    sizes: list[int],
    least_total: int,
) -> None:
    entries = [sign + name for sign, name in zip(signs, order, strict=False)]
    url = f"/v1/orders?order={','.join(entries)}&total.gte={least_total}&select=order_id"
    walked: list[object] = []
    token, pages = "", 0
    while pages <= len(ORDERS):
        size = sizes[pages % len(sizes)]
        page = (await api.get(f"{url}&page_size={size}{token}")).json()
        walked += [row["order_id"] for row in page["data"]]
        pages += 1
        if page["complete"]:
            break
        token = f"&page_token={page['next_page_token']}"
    assert walked == expected_walk(entries, least_total)
