"""`exposure contract`: what is exposed, for people (`list`, `show`) and for other tools (`export`).

`diff` is in `contract_diff`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from exposure.commands.console import new_table, show_table
from exposure.commands.contract_diff import diff_contracts
from exposure.commands.contract_option import ContractName, find_contract
from exposure.commands.local_addresses import LOCAL_API, LOCAL_DATABASE, LOCAL_PROJECT
from exposure.contracts.access import Grant
from exposure.contracts.catalog import CATALOG
from exposure.contracts.example import example_message
from exposure.contracts.export import avro, jsonschema, odcs
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Object, describe
from exposure.contracts.unbounded import Unbounded
from exposure.warehouse.bigquery_schema import table_resource
from exposure.warehouse.schema import Table, quarantine_table, rows_table

contract = typer.Typer(no_args_is_help=True, help="Show, export and compare the declared contracts.")
contract.command("diff", epilog="Example: exposure contract diff orders-1.0.0.json orders")(diff_contracts)


@contract.command("list", epilog="Example: exposure contract list")
def list_contracts() -> None:
    """List every contract with where it is published, stored and how it is keyed."""
    table = new_table("name", "version", "topic", "table", "key", "event time", "owner")
    for one in CATALOG:
        stored = f"{one.dataset}.{one.name}"
        table.add_row(one.name, one.version, one.topic, stored, one.key, one.event_time, one.owner)
    show_table(table)


@contract.command("show", epilog="Example: exposure contract show orders")
def show_contract(name: ContractName) -> None:
    """Show a contract: its columns, its service level, a message as published and the GET that reads it."""
    one = find_contract(name)
    typer.echo(f"{one.name} {one.version}, owned by {one.owner}\n{one.description}\n")
    table = new_table("column", "type", "null", "description")
    for path, column in _paths(one.columns):
        null = "yes" if column.nullable else "no"
        table.add_row(path, describe(column.type), null, _description(one, path, column))
    show_table(table)
    for line in (*_service_level(one), *_questions(one), *_access(one)):
        typer.echo(line)
    message = json.dumps(example_message(one), ensure_ascii=False)
    typer.echo(f"\nA message on the topic {one.topic}:\n  {message}")
    typer.echo(f"\nIts rows:\n  curl '{LOCAL_API}/v1/{one.name}?page_size=5'")


def _paths(columns: Sequence[Column], prefix: str = "") -> Iterator[tuple[str, Column]]:
    """Yield each column and, behind it, the fields inside it, by the path a reader writes."""
    for column in columns:
        path = prefix + column.name
        yield path, column
        inner = column.type.of if isinstance(column.type, Array) else column.type
        if isinstance(inner, Object):
            yield from _paths(inner.fields, f"{path}[]." if isinstance(column.type, Array) else f"{path}.")


def _description(one: Contract, path: str, column: Column) -> str:
    roles = [role for role, name in (("Key.", one.key), ("Event time.", one.event_time)) if name == path]
    return " ".join([*roles, column.description]).strip()


def _service_level(one: Contract) -> list[str]:
    level = one.service_level
    kept = "for ever" if one.retention is None else f"{one.retention.days} days after its event time"
    latency = level.latency / timedelta(milliseconds=1)
    return [
        "Service level:",
        f"  {_percent(level.availability_goal)} of requests are answered",
        f"  {_percent(level.latency_goal)} of requests within {latency:g} ms",
        f"  {_percent(level.freshness_goal)} of rows visible within {level.freshness.total_seconds():g} s",
        f"  a row is kept {kept}",
    ]


def _questions(one: Contract) -> list[str]:
    meant = {Unbounded.ALLOW: "is about every row", Unbounded.REFUSE: "is refused"}
    unbounded = one.unbounded
    what = (
        f"is about the last {unbounded.days} days" if isinstance(unbounded, timedelta) else meant[unbounded]
    )
    lines = ["Questions:", f"  one without a lower bound on {one.event_time} {what}"]
    return (
        lines
        if one.max_bytes_billed is None
        else [*lines, f"  each bills {one.max_bytes_billed} bytes at most"]
    )


def _access(one: Contract) -> list[str]:
    lines = [f"  {_grant(grant)}" for grant in one.access.grants]
    return (
        ["Access, of which the first that fits a caller decides:", *lines]
        if lines
        else ["Access: nobody may read it"]
    )


def _grant(grant: Grant) -> str:
    who = "everybody" if grant.scope is None else f"{' or '.join(grant.by)} with the scope {grant.scope}"
    columns = "every column" if grant.columns is None else f"the columns {', '.join(grant.columns)}"
    bounds = " and ".join(f"{bound.column} is the caller's claim {bound.claim}" for bound in grant.rows)
    return f"{who}: {columns}, {f'rows whose {bounds}' if bounds else 'every row'}"


def _percent(share: float) -> str:
    return f"{share * 100:.6g} %"


class Format(StrEnum):
    """What a contract can be exported as."""

    ODCS = "odcs"
    JSONSCHEMA = "jsonschema"
    BIGQUERY = "bigquery"
    AVRO = "avro"


@contract.command(
    "export", epilog="Example: exposure contract export orders --format odcs > orders.odcs.json"
)
def export_contract(
    name: ContractName,
    target: Annotated[
        Format,
        typer.Option(
            "--format", help="odcs: Open Data Contract Standard v3.1.0, as JSON, which is YAML too."
        ),
    ] = Format.ODCS,
    project: Annotated[
        str | None, typer.Option(help="Google Cloud project it is served from; none: this machine.")
    ] = None,
    environment: Annotated[str | None, typer.Option(help="odcs: name of that deployment.")] = None,
    api_url: Annotated[str, typer.Option(help="odcs: address of its API.")] = LOCAL_API,
) -> None:
    """Write a contract as JSON to standard output.

    jsonschema describes a published message, avro a row (it is not attached to the topic), bigquery the two
    tables, of rows and of quarantined messages, as the resources of its REST API.
    """
    one = find_contract(name)
    exported: object
    if target is Format.ODCS:
        exported = odcs.contract_document(one, _deployment(project, environment, api_url))
    elif target is Format.BIGQUERY:
        exported = [_bigquery_table(table, project) for table in (rows_table(one), quarantine_table(one))]
    elif target is Format.AVRO:
        exported = avro.row_schema(one)
    else:
        exported = jsonschema.message_schema(one)
    typer.echo(json.dumps(exported, indent=2, ensure_ascii=False))


def _deployment(project: str | None, environment: str | None, api_url: str) -> odcs.Deployment:
    if project is None:
        return odcs.Deployment(environment or "local", LOCAL_PROJECT, api_url, database=LOCAL_DATABASE)
    return odcs.Deployment(environment or project, project, api_url)


def _bigquery_table(table: Table, project: str | None) -> dict[str, Any]:
    resource = table_resource(table, project or "")
    if project is None:
        del resource["tableReference"]["projectId"]
    return resource
