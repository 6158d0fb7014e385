"""Whatever a request holds, the answer is a page or a problem, and refusing asks nothing of the warehouse."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from fakes.api_house import ApiHouse
from fakes.asgi_request import RawAnswer, ask_raw

COLUMNS = [column.name for column in orders.CONTRACT.stored_columns]
NAMES = st.one_of(
    st.sampled_from(["select", "order", "page_size", "page_token", "limit", ""]),
    st.builds(
        lambda column, operator: f"{column}.{operator}",
        st.sampled_from([*COLUMNS, "nosuch", "shipping.city"]),
        st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte", "in", "like", ""]),
    ),
    st.sampled_from(COLUMNS),
    st.text(max_size=30),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "", "0", "-5", "1e400", "NaN", "Infinity", "9223372036854775808", "1.5", "0.0000000001", "true",
            "True", "2026-11-25", "2026-02-30", "2026-11-25T12:00:00", "2026-11-25T12:00:00Z",
            "2026-11-25T25:00:00Z", "0001-01-01T00:00:00+23:59", "2026-11-25T12:00:00 02:00",
            "order_id,-total", "-", ",", '"', '""', "a\0b", "1000", "1001", "٣", "' OR 1=1 --", "a,b",
        ]
    ),
    st.text(max_size=50),
    st.integers().map(str),
    st.decimals().map(str),
    st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
)  # fmt: skip
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=30)


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode()


def examples(number: int) -> settings:
    """Return settings under which the examples share the API; it keeps nothing but the questions counted."""
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


async def ask(api: ApiHouse, path: bytes, query: bytes = b"", accept: str = "*/*") -> RawAnswer:
    api.reader.questions.clear()
    return await ask_raw(api.app, path, query, accept=accept)


def check(answer: RawAnswer, api: ApiHouse) -> None:
    if answer.status == 200:
        assert len(api.reader.questions) == 1
        return
    assert answer.status in (400, 414)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not api.reader.questions, "the warehouse was asked"
    problem = answer.json()
    assert problem["status"] == answer.status
    for error in problem.get("errors", []):
        assert error["code"]
        assert error["message"].isprintable()
        assert error["parameter"].isprintable()


@examples(200)
@given(pairs=PAIRS)
async def test_any_parameters_are_answered_or_refused_with_reasons(
    api: ApiHouse, pairs: list[tuple[str, str]]
) -> None:
    check(await ask(api, b"/v1/orders", encoded(pairs)), api)


@examples(150)
@given(query=st.binary(max_size=200))
async def test_any_bytes_of_a_query_are_answered_or_refused(api: ApiHouse, query: bytes) -> None:
    check(await ask(api, b"/v1/orders", query), api)


@examples(150)
@given(key=st.one_of(st.text(max_size=50).map(lambda text: quote(text).encode()), st.binary(max_size=50)))
async def test_any_path_is_a_row_or_a_problem(api: ApiHouse, key: bytes) -> None:
    for path in (b"/v1/orders/" + key, b"/v1/" + key, b"/" + key):
        answer = await ask(api, path)
        assert answer.status in (200, 400, 404)
        assert answer.status == 200 or answer.headers["content-type"] == "application/problem+json"


@examples(100)
@given(accept=st.text(alphabet=st.characters(codec="latin-1"), max_size=60))
async def test_any_accept_header_is_served_or_refused(api: ApiHouse, accept: str) -> None:
    answer = await ask(api, b"/v1/orders", b"page_size=1", accept=accept)
    assert answer.status in (200, 406)
    assert len(api.reader.questions) == (answer.status == 200)


async def test_text_is_compared_as_sent_whether_or_not_its_bytes_were_percent_encoded(
    api: ApiHouse,
) -> None:
    plain = await ask(api, b"/v1/orders", "currency.eq=東京".encode())
    escaped = await ask(api, b"/v1/orders", f"currency.eq={quote('東京')}".encode())
    assert plain.json()["data"] == escaped.json()["data"] != []


async def test_the_longest_rubbish_gets_a_short_answer(api: ApiHouse) -> None:
    for query in (b"&".join([b"x"] * 4000), b"order=" + b"x," * 4000, b"select=" + b"x," * 4000,
                  b"total.in=" + b"x," * 4000, b"total.gt=" + b"x" * 8000, b"page_size=1&" * 600,
                  b"x" * 8000 + b".eq=1", b"placed_at.gt=" + b"T" * 8000):  # fmt: skip
        answer = await ask(api, b"/v1/orders", query)
        assert answer.status == 400
        assert len(answer.body) < 30_000, query[:20]
