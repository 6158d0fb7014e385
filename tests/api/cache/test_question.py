"""One digest for one question, and never one for two: everything an answer depends on is a part of it."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.access.caller import ANONYMOUS, Caller
from exposure.api.access.policy import Policy, View
from exposure.api.cache.question import Question, Questions, _digest
from exposure.contracts.access import Credential
from exposure.contracts.catalog import Catalog
from fakes.guarded_house import CATALOG, RATES

POLICY = Policy(CATALOG)
BANK = POLICY.view(Caller("key:bank", Credential.KEY, frozenset({"bank"})))
CODINGS = ("br", "gzip")


def read(
    path: str = "/v1/rates", query: str = "", view: View = BANK, catalog: Catalog = CATALOG, **headers: Any
) -> Question | None:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "path": path, "query_string": query.encode(), "headers": fields}
    return Questions(catalog, CODINGS).read(scope, view)


def test_everything_an_answer_depends_on_makes_another_question() -> None:
    changed = Catalog((dataclasses.replace(RATES, version="9.9.9"),))
    narrower = dataclasses.replace(RATES, columns=RATES.columns[:-1], description="Fewer.")
    asked = [
        read(),
        read(view=POLICY.view(ANONYMOUS)),
        read(path="/v1/rates/a"),
        read(path="/v1/rates/b"),
        read(path="/v1/ledger"),
        read(path="/v1/rates:aggregate"),
        read(path="/v1/rates:facets"),
        read(query="page_size=1"),
        read(query="page_size=2"),
        read(query="page_size"),
        read(query="page=size1"),
        read(query="note.eq=1&note.eq=2"),
        read(query="note.eq=2&note.eq=1"),
        read(query="note.eq=%FF"),
        read(query="note.eq=%EF%BF%BD"),
        read(accept="text/csv"),
        read(accept="application/x-ndjson"),
        read(query="format=csv"),
        read(query="shape=arrays"),
        read(accept_encoding="gzip"),
        read(accept_encoding="br"),
        read(catalog=changed),
        read(catalog=Catalog((narrower,))),
    ]
    assert None not in asked
    assert len({one.digest for one in asked if one}) == len(asked)


@pytest.mark.parametrize(
    "other",
    [
        {"accept": "*/*"},
        {"accept": "application/json;q=0.5"},
        {"accept_encoding": "identity"},
        {"accept_encoding": "gzip;q=0"},
        {"user_agent": "x"},
    ],
)
def test_what_says_nothing_of_the_answer_makes_no_other_question(other: dict[str, Any]) -> None:
    assert read(**other) == read()


@pytest.mark.parametrize(
    ("path", "query", "headers"),
    [
        ("/v1", "", {}),
        ("/v1/rates:export", "", {}),
        ("/v1/rates:schema", "", {}),
        ("/v1/rates:nosuch", "", {}),
        ("/v1/nosuch", "", {}),
        ("/v1/rates\n", "", {}),
        ("/v1/rates:facets\n", "", {}),
        ("/v1/rates/", "", {}),
        ("/v2/rates", "", {}),
        ("/x/v1/rates", "", {}),
        ("/v1/rates", "explain=1", {}),
        ("/v1/rates", "explain", {}),
        ("/v1/rates", "format=nosuch", {}),
        ("/v1/rates", "shape=nosuch", {}),
        ("/v1/rates", "", {"accept": "image/png"}),
        ("/v1/rates:aggregate", "", {"accept": "text/csv"}),
    ],
)
def test_what_is_not_kept_is_no_question(path: str, query: str, headers: dict[str, Any]) -> None:
    assert read(path=path, query=query, **headers) is None


@given(st.lists(st.binary(max_size=9)), st.lists(st.binary(max_size=9)))
def test_no_two_lists_of_parts_have_one_digest(one: list[bytes], other: list[bytes]) -> None:
    assert (_digest(one) == _digest(other)) is (one == other)


def test_a_tag_changes_with_the_mark_and_tells_nothing_of_the_question() -> None:
    question = Question("rates", hashlib.sha256(b"x").digest())
    assert question.etag("1") != question.etag("2")
    assert question.digest.hex() not in question.etag("1").decode()
    assert question.etag("1").startswith(b'W/"')
