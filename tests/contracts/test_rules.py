"""Every rule, by the sentence its breach answers with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts.model import Column, ServiceLevel
from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.types import Array, Object, Scalar
from fakes.declarations import EVENT_TIME, KEY, declared, with_column


def refused(declare: Callable[[], object], sentence: str) -> None:
    with pytest.raises(WrongDeclaration, match=re.escape(sentence)):
        declare()


@pytest.mark.parametrize("name", ["", "Visits", "1visits", "visits-web", "visits.web", "v" * 64, "visits\n"])
def test_a_contract_name_that_is_no_table_and_no_path_is_refused(name: str) -> None:
    refused(lambda: declared(name=name), "the name becomes a table and a path; use lower-case letters")


@pytest.mark.parametrize("ending", ["_quarantine", "_served", "_dead_letters"])
def test_a_contract_named_like_a_table_of_the_platform_is_refused(ending: str) -> None:
    refused(
        lambda: declared(name=f"visits{ending}"),
        "names that end with _quarantine, _served, _dead_letters are the platform's; rename it",
    )


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0-rc1", "١.٠.٠", "1.0.0\n"])
def test_a_version_that_is_not_three_numbers_is_refused(version: str) -> None:
    refused(lambda: declared(version=version), "is not MAJOR.MINOR.PATCH, for example 1.0.0")


@pytest.mark.parametrize("topic", ["ab", "google-topic", "goog", "1topic", "top/ic", "t" * 231, "tópic"])
def test_a_topic_pubsub_would_refuse_is_refused(topic: str) -> None:
    refused(lambda: declared(topic=topic), f"topic '{topic}' is no Pub/Sub topic id: 3 to 230 characters")


def test_a_topic_named_like_dead_letters_is_refused() -> None:
    refused(
        lambda: declared(topic="visits-dead-letters"),
        "topics that end with -dead-letters hold what could not be",
    )


@pytest.mark.parametrize("dataset", ["", "web-dataset", "web.dataset", "d" * 1025])
def test_a_dataset_bigquery_would_refuse_is_refused(dataset: str) -> None:
    refused(lambda: declared(dataset=dataset), "may hold letters, digits and _ only")


def test_a_contract_without_columns_is_refused() -> None:
    refused(lambda: declared(columns=()), "declares no columns; add at least the key and the event time")


@pytest.mark.parametrize("name", ["_message_id", "_publish_time", "_ingest_time", "_extra"])
def test_declaring_a_column_the_platform_adds_is_refused(name: str) -> None:
    refused(
        lambda: with_column(Column(name, Scalar.STRING)), f"column '{name}' is added by the platform; remove"
    )


@pytest.mark.parametrize("name", ["_secret", "__ROOT__", "_PARTITIONTIME"])
def test_a_column_name_that_begins_with_an_underscore_is_refused(name: str) -> None:
    refused(lambda: Column(name, Scalar.STRING), "names that begin with _ are reserved for the platform")


@pytest.mark.parametrize("name", ["", "1st", "first name", "first-name", "a.b", "número", "n" * 129, "n\n"])
def test_a_column_name_that_is_no_identifier_is_refused(name: str) -> None:
    refused(lambda: Column(name, Scalar.STRING), "use letters, digits and _, a letter first, 128 characters")


@pytest.mark.parametrize("name", ["rowid", "RowId"])
def test_a_column_under_whose_name_duckdb_numbers_rows_is_refused(name: str) -> None:
    columns = (KEY, EVENT_TIME, Column(name, Scalar.STRING))
    refused(lambda: declared(columns=columns), f"'{name}': DuckDB numbers rows under this name; rename it")


@pytest.mark.parametrize("twin", ["note", "Note", "NOTE"])
def test_two_columns_that_are_one_name_to_bigquery_are_refused(twin: str) -> None:
    columns = (KEY, EVENT_TIME, Column("note", Scalar.STRING), Column(twin, Scalar.STRING))
    refused(lambda: declared(columns=columns), f"'note' and '{twin}' are one name to BigQuery; rename one")


@pytest.mark.parametrize("twin", ["sku", "SKU"])
def test_two_fields_of_an_object_that_are_one_name_to_bigquery_are_refused(twin: str) -> None:
    item = Object((Column("sku", Scalar.STRING), Column(twin, Scalar.STRING)))
    sentence = f"column 'items': 'sku' and '{twin}' are one name to BigQuery; rename one"
    refused(lambda: Column("items", item), sentence)
    refused(lambda: Column("items", Array(item)), sentence)


def test_a_nullable_array_is_refused() -> None:
    refused(
        lambda: Column("tags", Array(Scalar.STRING), nullable=True),
        "an array cannot be nullable, BigQuery stores no NULL array; drop nullable=True",
    )


def test_an_array_of_arrays_is_refused() -> None:
    inner: Any = Array(Scalar.STRING)
    refused(lambda: Column("grid", Array(inner)), "BigQuery has no array of arrays; wrap the inner array")


@pytest.mark.parametrize("wrap", [lambda empty: empty, Array])
def test_an_object_without_fields_is_refused(wrap: Callable[[Object], Any]) -> None:
    refused(
        lambda: Column("shipping", wrap(Object(()))), "an object needs at least one field; use json instead"
    )


def test_a_field_that_begins_with_an_underscore_is_refused() -> None:
    refused(
        lambda: Column("shipping", Object((Column("_extra", Scalar.JSON),))),
        "column 'shipping': field '_extra' begins with _; rename it",
    )


def nested(levels: int) -> Object:
    innermost = Object((Column("leaf", Scalar.STRING),))
    for _ in range(levels - 1):
        innermost = Object((Column("level", Array(innermost)),))
    return innermost


def test_objects_nested_fifteen_levels_deep_are_accepted_and_one_more_is_refused() -> None:
    deepest = nested(15)
    assert Column("deep", deepest).type == deepest
    refused(
        lambda: Column("deep", Object((Column("level", deepest),))),
        "column 'deep': objects are nested deeper than BigQuery's 15 levels; use json",
    )


@pytest.mark.parametrize(
    "column",
    [
        Column("raw", Scalar.BYTES),
        Column("raws", Array(Scalar.BYTES)),
        Column("box", Object((Column("raw", Scalar.BYTES),))),
        Column("boxes", Array(Object((Column("raw", Scalar.BYTES),)))),
    ],
)
def test_bytes_in_a_contract_are_refused(column: Column) -> None:
    refused(
        lambda: with_column(column), f"column '{column.name}': JSON has no bytes; declare a string of base64"
    )


@pytest.mark.parametrize("role", ["key", "event_time"])
def test_a_role_given_to_an_undeclared_column_is_refused_with_the_declared_ones(role: str) -> None:
    words = role.replace("_", " ")
    refused(
        lambda: declared(**{role: "nothing"}),
        f"{words} 'nothing' is not a declared column; choose one of: id, at",
    )


def test_a_system_column_cannot_be_the_event_time() -> None:
    refused(
        lambda: declared(event_time="_publish_time"), "event time '_publish_time' is not a declared column"
    )


@pytest.mark.parametrize("key", [Scalar.TIMESTAMP, Scalar.NUMBER, Scalar.JSON, Array(Scalar.STRING)])
def test_a_key_that_is_neither_string_nor_integer_is_refused(key: Any) -> None:
    columns = (Column("id", key), EVENT_TIME)
    refused(lambda: declared(columns=columns), "a key is a string or an integer")


def test_a_nullable_key_is_refused() -> None:
    columns = (Column("id", Scalar.STRING, nullable=True), EVENT_TIME)
    refused(lambda: declared(columns=columns), "key 'id' is nullable; a row without a key cannot be served")


@pytest.mark.parametrize("kind", [Scalar.DATE, Scalar.STRING, Object((Column("at", Scalar.TIMESTAMP),))])
def test_an_event_time_that_is_no_timestamp_is_refused(kind: Any) -> None:
    columns = (KEY, Column("at", kind))
    refused(lambda: declared(columns=columns), "declare it a timestamp, the table is partitioned by it")


def test_a_nullable_event_time_is_refused() -> None:
    columns = (KEY, Column("at", Scalar.TIMESTAMP, nullable=True))
    refused(lambda: declared(columns=columns), "event time 'at' is nullable; every row needs a partition")


@pytest.mark.parametrize(
    "retention", [timedelta(0), timedelta(days=-1), timedelta(hours=36), timedelta(days=10_001)]
)
def test_a_retention_that_is_no_number_of_daily_partitions_is_refused(retention: timedelta) -> None:
    refused(lambda: declared(retention=retention), "retention must be whole days between 1 and 10000")


def test_clustering_by_more_than_four_columns_is_refused() -> None:
    names = ("a", "b", "c", "d", "e")
    columns = (KEY, EVENT_TIME, *(Column(name, Scalar.STRING) for name in names))
    refused(
        lambda: declared(columns=columns, clustered_by=names),
        "is clustered by more than BigQuery's 4 columns",
    )


def test_clustering_by_one_column_twice_is_refused() -> None:
    refused(
        lambda: declared(clustered_by=("id", "id")), "is clustered by the same column twice; name it once"
    )


def test_clustering_by_an_undeclared_column_is_refused() -> None:
    refused(
        lambda: declared(clustered_by=("nothing",)), "clustering column 'nothing' is not a declared column"
    )


@pytest.mark.parametrize("kind", [Scalar.NUMBER, Scalar.JSON, Array(Scalar.STRING)])
def test_clustering_by_a_column_bigquery_cannot_cluster_by_is_refused(kind: Any) -> None:
    columns = (KEY, EVENT_TIME, Column("extra", kind))
    refused(
        lambda: declared(columns=columns, clustered_by=("extra",)),
        "cannot be clustered by 'extra', a column of",
    )


@pytest.mark.parametrize("goal", ["availability_goal", "latency_goal", "freshness_goal"])
@pytest.mark.parametrize("share", [0, 1, 99.9, -0.5, float("nan")])
def test_a_goal_that_is_no_share_is_refused(goal: str, share: float) -> None:
    changed: dict[str, Any] = {goal: share}
    refused(
        lambda: ServiceLevel(**changed),
        f"service level: {goal} is {share}; a goal is a share between 0 and 1",
    )


@pytest.mark.parametrize("bound", ["latency", "freshness"])
def test_a_bound_that_is_not_positive_is_refused(bound: str) -> None:
    changed: dict[str, Any] = {bound: timedelta(0)}
    refused(lambda: ServiceLevel(**changed), f"service level: {bound} must be longer than nothing")


def test_every_sentence_about_a_contract_begins_with_its_name() -> None:
    refused(lambda: declared(version="1"), "contract 'visits': ")


def test_members_of_what_is_not_json_are_refused() -> None:
    member = Column("os", Scalar.STRING)
    refused(lambda: Column("device", Scalar.STRING, members=(member,)), "only json has members, it is string")
    refused(lambda: Column("device", Object((KEY,)), members=(member,)), "only json has members")


@pytest.mark.parametrize(
    "type_", [Scalar.JSON, Array(Scalar.STRING), Object((Column("a", Array(Scalar.DATE)),))]
)
def test_a_member_that_could_not_be_compared_is_refused(type_: Any) -> None:
    refused(
        lambda: Column("context", Scalar.JSON, members=(Column("os", type_),)),
        "a member is a scalar, or an object of scalars",
    )


def test_only_a_string_can_be_matchable() -> None:
    refused(lambda: Column("n", Scalar.INTEGER, matchable=True), "only a string can be matchable")
    refused(lambda: Column("n", Array(Scalar.STRING), matchable=True), "only a string can be matchable")


def test_two_members_that_are_one_name_to_bigquery_are_refused() -> None:
    twins = (Column("os", Scalar.STRING), Column("OS", Scalar.STRING))
    refused(lambda: Column("context", Scalar.JSON, members=twins), "are one name to BigQuery")


def test_members_may_be_objects_of_scalars() -> None:
    device = Object((Column("os", Scalar.STRING), Column("cores", Scalar.INTEGER)))
    assert with_column(Column("context", Scalar.JSON, members=(Column("device", device),)))


@pytest.mark.parametrize("policy", ["keep", "ignore", None])
def test_a_policy_for_unknown_fields_that_is_none_of_the_three_is_refused(policy: object) -> None:
    refused(lambda: declared(unknown_fields=policy), "choose UnknownFields.KEEP, .DROP or .REJECT")
