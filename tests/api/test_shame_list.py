"""Each silent wrong answer seen of other read APIs: impossible here."""

from __future__ import annotations

import pytest

from exposure.api.formats.offered import FORMATS
from fakes.api_house import ApiHouse


async def test_an_unknown_operator_never_answers_unfiltered(api: ApiHouse) -> None:
    assert await api.error_codes("/v1/orders?currency.bogus=DE") == ["UNKNOWN_OPERATOR"]
    assert await api.error_codes("/v1/orders?currency__bogus=DE") == ["UNKNOWN_PARAMETER"]


async def test_a_filter_on_a_column_that_does_not_exist_never_answers_empty(api: ApiHouse) -> None:
    assert await api.error_codes("/v1/orders?nosuch.eq=1") == ["UNKNOWN_COLUMN"]
    assert await api.error_codes("/v1/orders?nosuch=1") == ["UNKNOWN_PARAMETER"]


async def test_a_value_of_the_wrong_type_never_answers_empty(api: ApiHouse) -> None:
    assert await api.error_codes("/v1/orders?customer_id.gt=abc") == ["WRONG_VALUE"]


async def test_a_page_token_of_rubbish_never_answers_an_empty_last_page(api: ApiHouse) -> None:
    assert (await api.refused("/v1/orders?page_token=zzz"))["code"] == "INVALID_PAGE_TOKEN"
    assert await api.error_codes("/v1/orders?_next=zzz") == ["UNKNOWN_PARAMETER"]


@pytest.mark.parametrize("limit", ["limt", "_limt", "limit"])
async def test_a_mistyped_limit_never_answers_with_everything(api: ApiHouse, limit: str) -> None:
    problem = await api.refused(f"/v1/orders?{limit}=1")
    assert problem["errors"][0]["code"] == "UNKNOWN_PARAMETER"
    assert "page_size" in problem["errors"][0]["allowed"]


async def test_a_page_number_is_refused_and_the_page_token_suggested(api: ApiHouse) -> None:
    assert (await api.refused("/v1/orders?page=3"))["errors"][0]["suggestion"] == "page_token"


async def test_a_negative_number_is_a_value_like_any_other(api: ApiHouse) -> None:
    answer = await api.get("/v1/orders?total.lt=-1&page_size=1000")
    totals = {row["total"] for row in answer.json()["data"]}
    assert totals == {"-2.5", "-1.5"}


async def test_rubbish_behind_a_quoted_value_is_not_overlooked(api: ApiHouse) -> None:
    assert await api.error_codes('/v1/orders?currency.in="Madrid" garbage') == ["WRONG_VALUE"]


async def test_two_filters_of_one_column_and_operator_both_hold(api: ApiHouse) -> None:
    both = await api.ids("/v1/orders?total.gt=-2&total.gt=2&page_size=1000")
    assert both == await api.ids("/v1/orders?total.gt=2&page_size=1000")
    assert both == await api.ids("/v1/orders?total.gt=2&total.gt=-2&page_size=1000")
    assert len(both) < len(await api.ids("/v1/orders?total.gt=-2&page_size=1000"))


@pytest.mark.parametrize("accept", ["application/x-foo", "text/html, text/csv;q=0"])
async def test_a_representation_that_is_not_served_is_never_answered_with_another(
    api: ApiHouse, accept: str
) -> None:
    answer = await api.get("/v1/orders", accept=accept)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["allowed"] == [
        "application/json", "application/x-ndjson", "application/ndjson", "text/csv", "application/csv",
        "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet",
    ]  # fmt: skip
    assert not api.reader.questions


@pytest.mark.parametrize("url", ["/v1/orders?x=1", "/v1/nosuch", "/nosuch", "/v1/orders/none", "/v1/orders/"])
async def test_every_error_says_its_type(api: ApiHouse, url: str) -> None:
    answer = await api.get(url)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


async def test_a_page_size_over_the_maximum_is_refused_not_cut(api: ApiHouse) -> None:
    problem = await api.refused("/v1/orders?page_size=1001")
    assert "1000" in problem["detail"]
    assert problem["errors"][0]["suggestion"] == "1000"


async def test_an_answer_that_is_not_everything_says_so_in_every_format(api: ApiHouse) -> None:
    for accept in [media_type for one in FORMATS for media_type in one.media_types]:
        part = await api.get("/v1/orders?page_size=3", accept=accept)
        assert part.headers["x-complete"] == "false"
        assert part.headers["link"].endswith('rel="next"')
        whole = await api.get("/v1/orders?page_size=1000", accept=accept)
        assert whole.headers["x-complete"] == "true"
        assert "link" not in whole.headers
