"""No question without the view in force, and none beside it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from exposure.api.access.caller import ANONYMOUS, Caller
from exposure.api.access.guard import IN_FORCE, GuardedReader, guarded, in_force
from exposure.api.access.policy import Policy, View
from exposure.api.seal import TokenSealer
from exposure.contracts.access import Credential
from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation, Function, Measure
from exposure.query.model import Filter, Operator, Order, Query
from exposure.query.page_token import BadPageToken
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.port import Plan, Reader
from exposure.warehouse.sql import Dialect, compile_select
from fakes.guarded_house import CATALOG, PAYMENTS

POLICY = Policy(CATALOG)
ACME, BOLT = (
    POLICY.view(Caller("", Credential.KEY, frozenset({"own.blind"}), (("tenant", (tenant,)),)))
    for tenant in ("acme", "bolt")
)
MANDATORY = Filter(PAYMENTS.column("tenant"), Operator.EQ, "acme")


class Recorder:
    """Any reader at all: keeps what it is asked and answers a plan."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        async def ask(question: Any) -> Plan:
            self.asked.append(question)
            text = " AND ".join(one.column.name for one in question.filters)
            values = {one.column.name: one.value for one in question.filters}
            return Plan("duckdb", text, values, 100 * len(question.filters), "SCAN 21 rows")

        return ask


@pytest.fixture
def acme() -> Iterator[View]:
    token = IN_FORCE.set(ACME)
    yield ACME
    IN_FORCE.reset(token)


def query(contract: Contract, *filters: Filter) -> Query:
    return Query(contract, contract.columns, filters, (Order(contract.key_column),), 10)


def question(method: str, contract: Contract) -> Query | Aggregation:
    if method in ("aggregate", "estimate"):
        return Aggregation(contract, (), (), (Measure(Function.COUNT),), (), 1)
    return query(contract)


ASKING = sorted(
    name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if name[0] != "_" and name != "close"
)


def test_a_guarded_reader_guards_every_way_of_asking_a_reader() -> None:
    assert {"select", "stream", "aggregate", "estimate", "explain"} <= set(ASKING)
    assert set(ASKING) <= set(vars(GuardedReader))


@pytest.mark.parametrize("method", ASKING)
async def test_every_question_is_asked_with_the_filters_of_the_view(method: str, acme: View) -> None:
    reader = Recorder()
    [contract] = [one for one in acme.catalog if one.name == "payments"]
    await getattr(GuardedReader(reader), method)(question(method, contract))
    assert reader.asked[0].filters == (MANDATORY,)


@pytest.mark.parametrize("method", ASKING)
async def test_without_a_view_nothing_is_asked(method: str) -> None:
    reader = Recorder()
    with pytest.raises(LookupError):
        await getattr(GuardedReader(reader), method)(question(method, PAYMENTS))
    assert not reader.asked


@pytest.mark.parametrize("method", ASKING)
async def test_what_is_not_in_the_view_is_not_asked_for(method: str, acme: View) -> None:
    reader = Recorder()
    for contract in (PAYMENTS, CATALOG.get("ledger"), dataclasses.replace(PAYMENTS)):
        with pytest.raises(PermissionError):
            await getattr(GuardedReader(reader), method)(question(method, contract))
    assert not reader.asked


def test_a_callers_own_filters_stay_and_replace_none(acme: View) -> None:
    [contract] = [one for one in acme.catalog if one.name == "payments"]
    own = Filter(contract.column("note"), Operator.NE, "x")
    assert guarded(query(contract, own)).filters == (own, MANDATORY)


@pytest.mark.parametrize("dialect", [DuckDBDialect(), BigQueryDialect("p")], ids=["duckdb", "bigquery"])
def test_what_is_asked_of_a_warehouse_is_bounded_by_a_column_it_does_not_answer_with(
    dialect: Dialect, acme: View
) -> None:
    [contract] = [one for one in acme.catalog if one.name == "payments"]
    statement = compile_select(guarded(query(contract)), dialect)
    where = statement.text[statement.text.rindex("WHERE") :]
    assert f"{dialect.identifier('tenant')} = " in where
    assert "acme" in [parameter.value for parameter in statement.parameters]
    assert "acme" not in statement.text
    selected = statement.text[: statement.text.index("FROM")]
    assert dialect.identifier("tenant") not in selected
    assert "margin" not in statement.text


async def test_an_explanation_counts_what_the_view_adds_and_does_not_tell_it(acme: View) -> None:
    [contract] = [one for one in acme.catalog if one.name == "payments"]
    own = Filter(contract.column("note"), Operator.NE, "x")
    plan = await GuardedReader(Recorder()).explain(query(contract, own))
    assert plan == Plan("duckdb", "note", {"note": "x"}, 200)


async def test_an_explanation_to_who_sees_everything_is_whole() -> None:
    token = IN_FORCE.set(POLICY.view(Caller("", Credential.KEY, frozenset({"bank"}))))
    plan = await GuardedReader(Recorder()).explain(query(PAYMENTS))
    IN_FORCE.reset(token)
    assert plan.steps == "SCAN 21 rows"


def test_a_page_token_opens_only_under_the_view_it_was_sealed_under(acme: View) -> None:
    sealer = TokenSealer([bytes(range(32))]).bound(in_force)
    token = sealer.seal(b"position")
    assert sealer.open(token) == b"position"
    for other in (BOLT, POLICY.view(ANONYMOUS)):
        reset = IN_FORCE.set(other)
        with pytest.raises(BadPageToken):
            sealer.open(token)
        IN_FORCE.reset(reset)
    assert acme.fingerprint != BOLT.fingerprint


def test_an_unbound_sealer_opens_no_bound_token(acme: View) -> None:
    free = TokenSealer([bytes(range(32))])
    with pytest.raises(BadPageToken):
        free.open(free.bound(in_force).seal(b"position"))
    with pytest.raises(BadPageToken):
        free.bound(in_force).open(free.seal(b"position"))
    assert acme.fingerprint
