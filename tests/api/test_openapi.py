"""The OpenAPI document: well-formed, complete, and true."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from exposure.api.problems import PROBLEM_TYPES
from exposure.contracts.catalog import CATALOG
from exposure.query.grammar import SYSTEM_PARAMETERS, places
from fakes import guarded_house
from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.cached_house import cached_house
from fakes.rows import order_row

GOLDEN = Path(__file__).parents[1] / "golden" / "openapi.json"
Document = dict[str, Any]
# Fields of answers that are kept; there are none where nothing is.
ABOUT_KEEPING = {"etag", "age", "cache-status"}


@pytest.fixture
async def document(api: ApiHouse) -> Document:
    found: Document = (await api.get("/openapi.json")).json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        assert set(item) == {"get"}, "this API only reads"
        yield path, item["get"]


def found_under(name: str, value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from found_under(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from found_under(name, inner)


def written(parameter: Document) -> str:
    """Return the example as its style says it is written: lists with commas, everything percent-encoded."""
    example = parameter["example"]
    values = example if isinstance(example, list) else [example]
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return ",".join(quote(text, safe="") for text in texts)


def asked(parameter: Document) -> str:
    """Return the example as a query; an exploded object's properties are parameters themselves."""
    example = parameter["example"]
    if isinstance(example, dict):
        return "&".join(f"{name}={quote(json.dumps(value), safe='')}" for name, value in example.items())
    return f"{parameter['name']}={written(parameter)}"


def test_the_document_is_the_golden_one(document: Document) -> None:
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "make golden rewrites it"


def test_the_document_has_the_structure_of_openapi_3_1(document: Document) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, operation in operations(document):
        assert operation["summary"]
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"
        }
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert answer["description"]
            assert answer.get("content") or status == "304"


def test_every_schema_in_it_is_a_schema(document: Document) -> None:
    schemas = [*found_under("schema", document), *document["components"]["schemas"].values()]
    assert len(schemas) > 100
    for schema in schemas:
        assert validator_for(schema, Draft202012Validator) is Draft202012Validator
        Draft202012Validator.check_schema(schema)


def test_every_reference_in_it_leads_somewhere(document: Document) -> None:
    references = set(found_under("$ref", document))
    assert references
    for reference in references:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("contract", list(CATALOG), ids=lambda contract: contract.name)
def test_every_filter_there_is_and_no_other_is_a_typed_parameter(document: Document, contract: Any) -> None:
    parameters = document["paths"][f"/v1/{contract.name}"]["get"]["parameters"]
    filters = {f"{place.name}.{operator}" for place in places(contract) for operator in place.operators}
    assert [parameter["name"] for parameter in parameters] == list(
        dict.fromkeys(parameter["name"] for parameter in parameters)
    )
    assert {parameter["name"] for parameter in parameters} == filters | set(SYSTEM_PARAMETERS)
    for parameter in parameters:
        assert parameter["description"]
        assert parameter["schema"]["type"]
        assert "example" in parameter or parameter["name"] == "page_token"
        if parameter["schema"]["type"] == "array":
            assert (parameter["style"], parameter["explode"]) == ("form", False)


def test_every_example_is_valid_by_its_own_schema(document: Document) -> None:
    for _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])


async def test_every_example_in_it_is_a_request_that_succeeds(document: Document) -> None:
    connection = await filled_warehouse([order_row(order_id="ord-000001")])
    async with api_house(connection) as api:
        for path, operation in operations(document):
            url, parameters = path, operation.get("parameters", [])
            needed = [asked(one) for one in parameters if one["in"] == "query" and one["required"]]
            queries = [f"?{'&'.join(needed)}"]
            for parameter in parameters:
                if "example" not in parameter:
                    continue
                if parameter["in"] == "path":
                    url = url.replace(f"{{{parameter['name']}}}", written(parameter))
                else:
                    queries.append(f"?{'&'.join(dict.fromkeys([*needed, asked(parameter)]))}")
            for query in queries:
                answer = await api.get(f"{url}{query}")
                assert answer.status_code == 200, f"{url}{query}: {answer.text}"
                assert answer.headers["content-type"] in operation["responses"]["200"]["content"]
    connection.close()


async def test_answers_have_the_shape_it_describes(api: ApiHouse, document: Document) -> None:
    for path, url in [
        ("/v1/orders", "/v1/orders?page_size=5"),
        ("/v1/orders", "/v1/orders?page_size=5&select=order_id,_message_id,_extra"),
        ("/v1/orders/{key}", "/v1/orders/ord-000001"),
        ("/v1/analytics_table", "/v1/analytics_table"),
    ]:
        answer = await api.get(url)
        described = document["paths"][path]["get"]["responses"]["200"]
        schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(answer.json())
        said = {name.lower() for name in described["headers"]} - {"link", "x-total", *ABOUT_KEEPING}
        assert said <= answer.headers.keys()


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/v1/payments", "/v1/payments?page_size=2"),
        ("/v1/payments/{key}", "/v1/payments/pay-acme-1"),
        ("/v1/payments:aggregate", "/v1/payments:aggregate?group=tenant"),
        ("/v1/payments:facets", "/v1/payments:facets?columns=tenant"),
    ],
)
async def test_an_answer_that_is_kept_says_of_it_what_the_document_does(
    tmp_path: Path, path: str, url: str
) -> None:
    vault = await guarded_house.filled_vault()
    async with cached_house(tmp_path, vault) as house:
        responses = (await house.get("/openapi.json")).json()["paths"][path]["get"]["responses"]
        first = await house.get(url)
        had = await house.get(url, **{"If-None-Match": first.headers["etag"]})
    vault.close()
    for answer in (first, had):
        said = {name.lower() for name in responses[str(answer.status_code)]["headers"]}
        assert said >= ABOUT_KEEPING | {"cache-control"}
        assert said - {"link", "x-total"} <= answer.headers.keys()
    assert (had.status_code, had.content) == (304, b"")
    assert "content" not in responses["304"]


async def test_what_is_never_kept_promises_nothing_of_keeping(document: Document) -> None:
    for path, operation in operations(document):
        if path.endswith((":export", ":schema")):
            assert "304" not in operation["responses"]
            fields = operation["responses"]["200"].get("headers", {})
            assert not {name.lower() for name in fields} & ABOUT_KEEPING


async def test_problems_have_the_shape_and_the_status_it_describes(api: ApiHouse, document: Document) -> None:
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    for path, url in [
        ("/v1/orders", "/v1/orders?x=1&total.gt=a"),
        ("/v1/orders", "/v1/orders?page_token=a"),
        ("/v1/orders/{key}", "/v1/orders/none"),
        ("/v1/orders:schema", "/v1/orders:schema?x=1"),
        ("/problems/{code}", "/problems/nosuch"),
    ]:
        answer = await api.get(url)
        described = document["paths"][path]["get"]["responses"][str(answer.status_code)]
        assert set(described["content"]) == {"application/problem+json"}
        Draft202012Validator(schema).validate(answer.json())
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert codes == [kind.code for kind in PROBLEM_TYPES]


async def test_every_problem_type_has_its_page(api: ApiHouse) -> None:
    for kind in PROBLEM_TYPES:
        assert (await api.get(kind.path)).json()["code"] == kind.code
