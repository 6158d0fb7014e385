from __future__ import annotations

import subprocess
import sys
from urllib.parse import quote

import httpx2
import pytest
from starlette.responses import Response

from exposure.warehouse.port import (
    QueryTooExpensive,
    SnapshotExpired,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)
from fakes.api_house import ApiHouse, api_house, filled_warehouse, routes
from fakes.asgi_request import ask_raw
from fakes.rows import order_row

SECRET = "projects/secret-project/tables/t"


async def test_the_root_greets_in_these_very_words(api: ApiHouse) -> None:
    answer = await api.get("/")
    assert answer.json() == {"message": "Bienvenido a la API de Exposición de Datos"}
    assert answer.headers["content-type"] == "application/json"


async def test_the_catalog_lists_every_contract_and_its_links_work(api: ApiHouse) -> None:
    contracts = (await api.get("/v1")).json()["contracts"]
    assert [contract["name"] for contract in contracts] == ["analytics_table", "orders"]
    for contract in contracts:
        assert (await api.get(contract["rows"])).status_code == 200
        assert (await api.get(contract["schema"])).status_code == 200


async def test_whether_the_process_runs_is_answered_without_asking_the_warehouse(api: ApiHouse) -> None:
    assert (await api.get("/health/live")).status_code == 200
    assert not api.reader.questions


async def test_the_schema_says_what_every_column_takes_and_its_examples_run(api: ApiHouse) -> None:
    for name in ("orders", "analytics_table"):
        schema = (await api.get(f"/v1/{name}:schema")).json()
        for example in schema["examples"]:
            assert (await api.get(example)).status_code == 200
        for column in schema["columns"]:
            for operator in column["operators"]:
                # An empty value is refused by name, an operator that does not exist in another way.
                codes = await api.error_codes(f"/v1/{name}?{column['name']}.{operator}=")
                assert codes == ["EMPTY_VALUE"]
    assert schema["limits"]["max_page_size"] == 1000
    assert schema["service_level"]["freshness_seconds"] == 60


async def test_an_unknown_contract_is_not_found_and_the_nearest_is_suggested(api: ApiHouse) -> None:
    for url in ("/v1/order", "/v1/order:schema", "/v1/order/key", "/v1/order?x=1"):
        problem = await api.refused(url, status=404)
        assert problem["errors"][0]["suggestion"] == "orders"


LINE_BREAKS = ("/v1/orders%0A", "/v1%0A", "/v1/orders:schema%0A")
UNKNOWN_PATHS = (
    "/nosuch",
    "/v1/",
    "/v1/orders:nosuch",
    "/V1/orders",
    "/docs/assets/../x",
    "/v2",
    *LINE_BREAKS,
)


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
async def test_an_unknown_path_is_a_problem(api: ApiHouse, path: str) -> None:
    assert (await api.refused(path, status=404))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/v1/orders", "/v1/orders/x", "/v1/nosuch", "/openapi.json", "/docs"])
async def test_a_method_that_would_write_is_a_problem_that_names_those_allowed(
    api: ApiHouse, method: str, path: str
) -> None:
    answer = await api.client.request(method, path, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"


STREAM = "/v1/orders:export"
EVERY_PATH = (
    "/", "/v1", "/v1/orders", "/v1/orders/x", "/v1/orders:schema", "/v1/orders:aggregate",
    "/v1/orders:facets", STREAM, "/v1/nosuch", "/openapi.json", "/docs", "/health/live",
    "/problems/not-found",
)  # fmt: skip


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_which_methods_there_are_is_told_without_asking_the_warehouse(api: ApiHouse, path: str) -> None:
    answer = await api.client.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD", b"")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not api.reader.questions


@pytest.mark.parametrize("path", [*(one for one in EVERY_PATH if one != STREAM), "/nosuch"])
async def test_a_head_is_a_get_without_its_body(api: ApiHouse, path: str) -> None:
    # Asked below HTTP: a client drops the body of a HEAD and would not show one.
    get = await ask_raw(api.app, path.encode())
    head = await ask_raw(api.app, path.encode(), method="HEAD")
    assert (head.status, head.body, bool(get.body)) == (get.status, b"", True)
    changing = {"x-request-id", "x-as-of", "content-length"}
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in get.headers.items() if name not in changing
    }
    assert int(head.headers["content-length"]) > 0


KEYS = (
    "a/b",
    "/",
    "//",
    "..",
    "a b+c",
    "?x=1&y=2",
    "#",
    "%2F",
    "é東京🙂",
    "a:schema",
    ":schema",
    ";,=",
    "line\nbreak",
    "\\",
    "<>\"'",
)


async def test_a_row_is_found_by_its_key_whatever_the_key_holds() -> None:
    connection = await filled_warehouse([order_row(order_id=key) for key in KEYS])
    async with api_house(connection) as api:
        for key in KEYS:
            answer = await ask_raw(api.app, b"/v1/orders/" + quote(key, safe="").encode())
            assert (answer.status, answer.json()["data"]["order_id"]) == (200, key)
    connection.close()


async def test_a_key_without_a_row_is_not_found(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert len(api.reader.questions) == 1


@pytest.mark.parametrize("key", [b"%00", b"a%00b", b"%ff", b"%ed%a0%80", b""])
async def test_a_key_that_cannot_be_is_refused_before_the_warehouse_is_asked(
    api: ApiHouse, key: bytes
) -> None:
    answer = await ask_raw(api.app, b"/v1/orders/" + key)
    assert answer.status == (400 if key else 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not api.reader.questions


async def test_one_row_takes_select_and_nothing_else(api: ApiHouse) -> None:
    row = await api.get("/v1/orders/ord-000001?select=order_id,_message_id")
    assert row.json()["data"] == {"order_id": "ord-000001", "_message_id": "1"}
    for parameter in ("page_size=1", "total.gt=1", "order=total", "page_token=x", "x="):
        assert await api.error_codes(f"/v1/orders/ord-000001?{parameter}") == ["UNKNOWN_PARAMETER"]


async def test_a_path_that_takes_no_parameter_ignores_none(api: ApiHouse) -> None:
    for path in ("/v1", "/v1/orders:schema"):
        assert await api.error_codes(f"{path}?limit=1") == ["UNKNOWN_PARAMETER"]


async def test_a_url_of_8_kib_is_refused_and_a_shorter_one_read(api: ApiHouse) -> None:
    start = "/v1/orders?currency.eq="
    assert (await api.get(start + "x" * (8192 - len(start)))).status_code == 200
    problem = await api.refused(start + "x" * (8193 - len(start)), status=414)
    assert problem["code"] == "URI_TOO_LONG"
    assert (await api.refused("/" + "x" * 9000, status=414))["code"] == "URI_TOO_LONG"


FAILURES = [
    (WarehouseUnavailable(SECRET), 503, "UPSTREAM_UNAVAILABLE"),
    (WarehouseMisconfigured(SECRET), 502, "UPSTREAM_MISCONFIGURED"),
    (QueryTooExpensive(SECRET), 422, "QUERY_TOO_EXPENSIVE"),
    (SnapshotExpired(SECRET), 410, "PAGE_TOKEN_EXPIRED"),
    (RuntimeError(SECRET), 500, "INTERNAL_ERROR"),
]


@pytest.mark.parametrize(("failure", "status", "code"), FAILURES, ids=[code for _, _, code in FAILURES])
async def test_a_failure_of_the_warehouse_is_a_problem_that_gives_nothing_away(
    api: ApiHouse, failure: Exception, status: int, code: str
) -> None:
    api.reader.failure = failure
    for url in ("/v1/orders", "/v1/orders/key"):
        answer = await api.get(url)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ("retry-after" in answer.headers) == (status == 503)
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


async def test_an_error_of_ours_is_logged_once_with_the_request_id_the_client_got(
    api: ApiHouse, caplog: pytest.LogCaptureFixture
) -> None:
    api.reader.failure = RuntimeError(SECRET)
    answer = await api.get("/v1/orders")
    [record] = caplog.records
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"] in record.getMessage()
    assert SECRET in caplog.text


async def test_a_fault_of_the_framework_itself_is_a_problem_too(api: ApiHouse) -> None:
    async def broken(_: object) -> Response:
        raise RuntimeError(SECRET)

    routes(api.app).add_route("/broken", broken)
    transport = httpx2.ASGITransport(app=api.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text


async def test_what_the_caller_did_wrong_is_not_logged_as_our_error(
    api: ApiHouse, caplog: pytest.LogCaptureFixture
) -> None:
    for url in ("/v1/orders?x=1", "/v1/nosuch", "/nosuch", "/v1/orders/none"):
        await api.get(url)
    assert not caplog.records


@pytest.mark.parametrize("url", ["/", "/v1/orders", "/v1/orders?x=1", "/nosuch", "/docs", "/openapi.json"])
async def test_every_answer_carries_a_request_id_and_the_security_headers(api: ApiHouse, url: str) -> None:
    first, second = await api.get(url), await api.get(url)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in first.headers["content-security-policy"]


async def test_the_type_of_every_problem_is_a_page_that_says_what_to_do(api: ApiHouse) -> None:
    problem = await api.refused("/v1/orders?x=1")
    page = (await api.get(problem["type"])).json()
    assert (page["code"], page["status"]) == ("INVALID_PARAMETER", 400)
    assert page["advice"]
    assert (await api.get("/problems/nosuch")).status_code == 404


async def test_shutting_down_closes_the_reader(api: ApiHouse) -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return events.pop(0)

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await api.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert api.reader.closed


def test_importing_the_api_loads_no_warehouse_and_no_writers_library() -> None:
    program = (
        "import sys, exposure.api.app; "
        "foreign = ('google.cloud', 'pyarrow', 'duckdb', 'grpc', 'fastapi_offline'); "
        "print([name for name in foreign if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"
