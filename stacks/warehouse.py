"""BigQuery: the datasets, each contract's tables and serving view, and who may do what with them.

Ingest may append and not read; the API may read and not write. Rows are not created, moved or deleted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import pulumi
from pulumi_gcp import bigquery, projects

from exposure.contracts.canary import CANARY_PREFIX, LEAST_INTEGER_KEY
from exposure.contracts.model import Contract
from exposure.contracts.types import Scalar
from exposure.warehouse.bigquery_dialect import BigQueryDialect
from exposure.warehouse.bigquery_schema import table_resource
from exposure.warehouse.schema import Table, quarantine_table, rows_table
from stacks.config import Settings

# What an append needs: nothing in it reads a row.
_APPEND = ("bigquery.tables.get", "bigquery.tables.updateData")
_TIME_TRAVEL_HOURS = "168"


class Warehouse(pulumi.ComponentResource):
    """The datasets and tables of every contract.

    Tables are day-partitioned but do not require a partition filter: a row is also read by its key, which
    has no time bound. The API's byte cap bounds what a question without one can cost.
    """

    def __init__(
        self, name: str, settings: Settings, contracts: Iterable[Contract], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:warehouse:Warehouse", name, None, opts)
        self._settings = settings
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=settings.protected)
        self._datasets: dict[str, bigquery.Dataset] = {}
        self._tables: dict[str, bigquery.Table] = {}
        self._appender = projects.IAMCustomRole(
            "appender",
            projects.IAMCustomRoleArgs(
                role_id="exposureAppender",
                title="Appends rows, reads none",
                permissions=list(_APPEND),
            ),
            self._child,
        )
        for contract in contracts:
            self._declare(contract)
        if settings.bi_engine_gib is not None:
            self._reserve(settings.bi_engine_gib)
        self.register_outputs({})

    def dataset(self, dataset_id: str) -> bigquery.Dataset:
        """Return the dataset, declared at its first use."""
        if dataset_id not in self._datasets:
            self._datasets[dataset_id] = bigquery.Dataset(
                dataset_id,
                bigquery.DatasetArgs(
                    dataset_id=dataset_id,
                    location=self._settings.dataset_location,
                    max_time_travel_hours=_TIME_TRAVEL_HOURS,
                    delete_contents_on_destroy=False,
                ),
                self._kept,
            )
        return self._datasets[dataset_id]

    def allow_append(self, contract: Contract, name: str, member: pulumi.Input[str]) -> list[pulumi.Resource]:
        """Let the member append to the contract's rows and quarantine, and read neither."""
        return [
            self._grant(table, f"{name}-appends-{table.name}", self._appender.name, member)
            for table in (rows_table(contract), quarantine_table(contract))
        ]

    def allow_read(self, contract: Contract, name: str, member: pulumi.Input[str]) -> pulumi.Resource:
        """Let the member read the contract's rows, and write nothing."""
        table = rows_table(contract)
        return self._grant(table, f"{name}-reads-{table.name}", "roles/bigquery.dataViewer", member)

    def _declare(self, contract: Contract) -> None:
        rows = rows_table(contract)
        base = self._table(rows)
        self._table(quarantine_table(contract))
        dialect = BigQueryDialect(self._settings.project)
        served = dialect.one_row_per_key(
            dialect.path(rows), rows, rows.columns, _is_no_canary(contract, dialect)
        )
        query = f"SELECT * FROM {served}"  # noqa: S608
        bigquery.Table(
            f"{rows.name}-served",
            bigquery.TableArgs(
                dataset_id=self.dataset(rows.dataset).dataset_id,
                table_id=contract.served_view,
                description=f"{rows.description} One row per {rows.key}.",
                view=bigquery.TableViewArgs(query=query, use_legacy_sql=False),
                deletion_protection=False,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[base]),
        )

    def _reserve(self, gib: int) -> None:
        """Keep what is asked often in memory; a location has one reservation for the whole project."""
        bigquery.BiReservation(
            "bi-engine",
            bigquery.BiReservationArgs(location=self._settings.dataset_location, size=gib * 2**30),
            self._child,
        )

    def _table(self, table: Table) -> bigquery.Table:
        resource = table_resource(table, self._settings.project)
        partitioning = resource["timePartitioning"]
        declared = bigquery.Table(
            table.name,
            bigquery.TableArgs(
                dataset_id=self.dataset(table.dataset).dataset_id,
                table_id=table.name,
                description=table.description,
                schema=json.dumps(resource["schema"]["fields"]),
                time_partitioning=bigquery.TableTimePartitioningArgs(
                    type=partitioning["type"],
                    field=partitioning["field"],
                    expiration_ms=_milliseconds(partitioning.get("expirationMs")),
                ),
                require_partition_filter=False,
                clusterings=list(table.clustered_by) or None,
                deletion_protection=self._settings.protected,
            ),
            self._kept,
        )
        self._tables[table.name] = declared
        return declared

    def _grant(
        self, table: Table, name: str, role: pulumi.Input[str], member: pulumi.Input[str]
    ) -> bigquery.IamMember:
        return bigquery.IamMember(
            name,
            bigquery.IamMemberArgs(
                dataset_id=self.dataset(table.dataset).dataset_id,
                table_id=self._tables[table.name].table_id,
                role=role,
                member=member,
            ),
            self._child,
        )


def _is_no_canary(contract: Contract, dialect: BigQueryDialect) -> str:
    """Return the condition on the key that leaves out the platform's own canaries."""
    key = dialect.identifier(contract.key)
    if contract.key_column.type is Scalar.INTEGER:
        return f"{key} >= {LEAST_INTEGER_KEY}"
    return f"NOT STARTS_WITH({key}, '{CANARY_PREFIX}')"


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else int(text)
