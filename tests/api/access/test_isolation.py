"""Nobody's rows to somebody else, and nothing hidden that can be told from what does not exist."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from duckdb import DuckDBPyConnection

from fakes.guarded_house import (
    CATALOG,
    NAIVE,
    ROWS_EACH,
    TENANTS,
    GuardedHouse,
    filled_vault,
    guarded_house,
    secret_of,
)

# What only the bank may learn: names of columns, values, and whole contracts.
HIDDEN = (
    "margin",
    "extra-secret",
    "_extra",
    "_message_id",
    "message-acme",
    "7700",
    "ledger",
    "closed",
    "vault",
)


def example_urls(document: dict[str, Any], *, with_parameters: bool = True) -> Iterator[str]:
    """Yield a URL for every path a caller's own documentation lists and, with them, for every parameter."""
    for path, item in document["paths"].items():
        queries, url = [""], path
        for parameter in item["get"].get("parameters", []):
            if "example" not in parameter:
                continue
            example = parameter["example"]
            texts = [one if isinstance(one, str) else json.dumps(one) for one in _list(example)]
            written = ",".join(quote(text, safe="") for text in texts)
            if parameter["in"] == "path":
                url = url.replace(f"{{{parameter['name']}}}", written)
            elif with_parameters or parameter.get("required"):
                queries.append(f"?{parameter['name']}={written}")
        yield from (url + query for query in queries)


def _list(example: Any) -> list[Any]:
    return example if isinstance(example, list) else [example]


CRAFTED = [
    "/v1/payments?tenant.in=acme,bolt,coop&page_size=1000",
    "/v1/payments?tenant.ne=nobody",
    "/v1/payments?note.in=note-of-acme,note-of-bolt,note-of-coop&order=payment",
    "/v1/payments?page_size=1",
    "/v1/payments?where=amount gte 0 or amount lt 0&page_size=1000",
    "/v1/payments?where=not (note eq x) or (tenant eq bolt or payment prefix pay)&page_size=1000",
    "/v1/payments?where=payment prefix pay or note isnull true",
    "/v1/payments:aggregate?group=payment&measures=count&where=amount gte 0 or amount lt 0",
    "/v1/payments:export?where=amount gte 0 or amount lt 0",
    *(f"/v1/payments/pay-{tenant}-{number}" for tenant in TENANTS for number in range(ROWS_EACH)),
    *(f"/v1/payments?payment.eq=pay-{tenant}-1" for tenant in TENANTS),
    "/v1/payments:export?format=ndjson",
    "/v1/payments:export?format=csv",
    "/v1/payments:export?format=json",
    "/v1/payments:aggregate?group=note&measures=count,sum:amount,max:note",
    "/v1/payments:aggregate?measures=count",
    "/v1/payments:facets?columns=note",
    "/v1/payments?count=exact",
    "/v1/payments?count=estimate",
    "/v1/payments?explain=1",
    "/v1/payments:aggregate?measures=count&explain=1",
]


@pytest.mark.parametrize("scope", ["open", "blind"])
async def test_no_key_ever_gets_a_byte_of_another_tenant(house: GuardedHouse, scope: str) -> None:
    for tenant in TENANTS:
        key = f"own.{scope}".removeprefix("own.") + f"-{tenant}"
        document = (await house.get("/openapi.json", key)).json()
        for url in [*example_urls(document, with_parameters=tenant == "acme"), *CRAFTED]:
            answer = await house.get(url, key)
            assert answer.status_code < 500, (url, answer.text)
            # A refusal, or an explanation, may repeat what was asked; an answer may not.
            told = answer.text + repr(answer.headers) if answer.status_code == 200 else ""
            for other in set(TENANTS) - {tenant}:
                assert f"pay-{other}" not in told.replace(url, ""), (key, url)
                assert secret_of(other) not in told.replace(url, ""), (key, url)
                assert other not in told or other in url, (key, url)


async def test_each_key_gets_all_rows_of_its_own_tenant(house: GuardedHouse) -> None:
    for tenant in TENANTS:
        rows = await house.rows("/v1/payments?page_size=1000", f"open-{tenant}")
        assert {row["tenant"] for row in rows} == {tenant}
        assert len(rows) == ROWS_EACH
    assert len(await house.rows("/v1/payments?page_size=1000", "bank")) == ROWS_EACH * len(TENANTS)


@pytest.mark.parametrize("key", [None, "nothing", *(f"blind-{tenant}" for tenant in TENANTS)])
async def test_nothing_that_is_hidden_is_told_by_any_path(house: GuardedHouse, key: str | None) -> None:
    document = (await house.get("/openapi.json", key)).json()
    examples = example_urls(document, with_parameters=key in (None, "blind-acme"))
    for url in [*examples, *CRAFTED, "/openapi.json", "/v1/x"]:
        answer = await house.get(url, key)
        for hidden in HIDDEN:
            assert hidden not in told(answer.text), (key, url, hidden)


NAMES = (
    "payments",
    "ledger",
    "closed",
    "rates",
    "nosuch",
    "ledgr",
    "legder",
    "close",
    "payment",
    "rate",
    "led",
)
SUFFIXES = (
    "", "/", "/x", "/pay-acme-1", "/pay-bolt-1", ":schema", ":export", ":aggregate", ":facets", ":nosuch",
    "%0A", "/%0A", "/x%0A", "?", "?x=1", "?page_token=x", "/a/b", ":", "/:schema", "?select=payment",
)  # fmt: skip
COLUMNS = (
    "note",
    "tenant",
    "margin",
    "_extra",
    "_message_id",
    "_ingest_time",
    "nosuch",
    "margn",
    "tenannt",
    "",
)
QUERIES = (
    "?{}.eq=1", "?{}=1", "?{}.bogus=1", "?select={}", "?order={}", "?order=-{},payment",
    "?select=payment,{},x", "?{}.in=1,2", "?{}.isnull=true", "?{}.x.eq=1", "?where=({} eq 1)",
    "?page_size=2&select={}",
)  # fmt: skip
MORE = (
    "?group={}&measures=count", "?measures=sum:{}", "?measures=count&order=-{}", "?columns={}",
    "?having.max:{}.gt=1", "?group={}:day", "?where={} isnull true", "?select={}", "?order={}",
    "?{}.isnull=true",
)  # fmt: skip
URLS = [
    *(f"/v1/{name}{suffix}" for name, suffix in itertools.product(NAMES, SUFFIXES)),
    *(
        f"/v1/{name}{query.format(column)}"
        for name, column, query in itertools.product(("payments", "rates"), COLUMNS, QUERIES)
    ),
    *(
        f"/v1/payments:{path}{query.format(column)}"
        for path, column, query in itertools.product(("aggregate", "facets", "export"), COLUMNS, MORE)
    ),
    "/v1", "/openapi.json", "/docs", "/", "/v1/", "/problems/not-found", "/v1/payments?page_size=3&order=-at",
]  # fmt: skip


def told(text: str) -> str:
    """Return an answer's text without what differs between any two answers."""
    for pattern in (
        r'"request_id":"[^"]*"', r'"as_of":"[^"]*"', r'"elapsed_ms":[0-9.e-]+', r'"next_page_token":"[^"]*"',
        r"page_token=[A-Za-z0-9_-]+", r'"bytes_[a-z]+":[0-9]+',
    ):  # fmt: skip
        text = re.sub(pattern, "~", text)
    return text


CHANGING = {"x-request-id", "x-as-of", "content-length", "server-timing", "etag", "age"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
async def test_what_is_hidden_is_byte_by_byte_what_does_not_exist(
    tmp_path: Path, vault: DuckDBPyConnection, method: str
) -> None:
    assert CATALOG.get("ledger")
    (tmp_path / "naive").mkdir()
    acmes = await filled_vault(["acme"])
    async with (
        guarded_house(tmp_path, vault) as house,
        guarded_house(tmp_path / "naive", acmes, NAIVE) as naive,
    ):
        for url in URLS if method == "GET" else URLS[::7]:
            ours, theirs = [
                await one.client.request(method, url, headers={"X-API-Key": one.keys["blind-acme"]})
                for one in (house, naive)
            ]
            assert ours.status_code == theirs.status_code, url
            # Rows of an export come in no order.
            order = sorted if ":export" in url else str
            assert order(told(ours.text)) == order(told(theirs.text)), url
            fields = [
                {name: told(value) for name, value in one.headers.items() if name not in CHANGING}
                for one in (ours, theirs)
            ]
            assert fields[0] == fields[1], url
    acmes.close()


COUNTS = (
    "/v1/payments?count=exact&page_size=1",
    "/v1/payments?count=estimate&page_size=1",
    "/v1/payments:aggregate?measures=count",
    "/v1/payments:facets?columns=note",
)


async def test_rows_of_others_are_not_even_counted(house: GuardedHouse) -> None:
    for url in COUNTS:
        for tenant in TENANTS:
            for scope in ("open", "blind"):
                told_rows = (await house.get(url, f"{scope}-{tenant}")).text
                assert re.search(rf'"(rows|count)":{ROWS_EACH}\b', told_rows), (url, told_rows)


async def test_a_column_that_bounds_a_callers_rows_and_is_hidden_is_not_named(house: GuardedHouse) -> None:
    document = (await house.get("/openapi.json", "blind-acme")).json()
    assert "tenant" not in json.dumps(document)
    for url in [*example_urls(document), *CRAFTED]:
        if "tenant" not in url:
            assert "tenant" not in (await house.get(url, "blind-acme")).text, url


async def test_a_contract_that_grants_nothing_is_nobodys(house: GuardedHouse) -> None:
    for key in (None, "bank", "nothing"):
        assert (await house.get("/v1/closed", key)).status_code == 404


async def test_the_catalog_lists_what_the_caller_may_read(house: GuardedHouse) -> None:
    listed = {
        key: [one["name"] for one in (await house.get("/v1", key)).json()["contracts"]]
        for key in (None, "nothing", "blind-acme", "bank")
    }
    assert listed == {
        None: ["rates"],
        "nothing": ["rates"],
        "blind-acme": ["payments", "rates"],
        "bank": ["payments", "ledger", "rates"],
    }


async def test_a_key_of_more_scope_sees_more_columns_of_what_is_public(house: GuardedHouse) -> None:
    [public] = await house.rows("/v1/rates?page_size=1")
    [whole] = await house.rows("/v1/rates?page_size=1&select=payment,margin,_extra", "bank")
    assert set(public) == {"payment", "at", "amount", "note"}
    assert whole["margin"] == 770006


async def test_a_page_token_opens_for_nobody_who_sees_other_rows(house: GuardedHouse) -> None:
    url = "/v1/payments?page_size=2&select=payment"
    token = (await house.get(url, "blind-acme")).json()["next_page_token"]
    going_on = f"{url}&page_token={token}"
    assert (await house.get(going_on, "blind-acme")).status_code == 200
    for other in ("blind-bolt", "open-acme", "bank"):
        problem = await house.get(going_on, other)
        assert (problem.status_code, problem.json()["code"]) == (400, "INVALID_PAGE_TOKEN")


async def test_a_walk_goes_on_with_the_key_that_replaces_the_first(house: GuardedHouse) -> None:
    url = "/v1/rates?page_size=5&select=payment"
    token = (await house.get(url, "nothing")).json()["next_page_token"]
    assert (await house.get(f"{url}&page_token={token}")).status_code == 200
