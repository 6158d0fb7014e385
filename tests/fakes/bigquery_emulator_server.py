"""The process of the BigQuery emulator; `bigquery_emulator.py` starts it.

It ends when its standard input closes, so it never outlives the tests, however they end; its folder goes
with it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
import threading
from datetime import datetime
from typing import Any

from bqemulator import server as server_module
from bqemulator.api.routes import tabledata
from bqemulator.config import LogLevel, Settings
from bqemulator.grpc_api import write_servicer
from bqemulator.server import EmulatorServer
from bqemulator.sql import inner_query
from bqemulator.versioning.snapshots import SnapshotManager
from duckdb_extensions import import_extension
from google.cloud.bigquery_storage_v1.types import TableFieldSchema

_AS_OF = re.compile(r"(?P<table>[`\w.-]+) FOR SYSTEM_TIME AS OF TIMESTAMP '(?P<at>[^']+)'")
_MEMBER = re.compile(r"JSON_VALUE\([^()]*\)")
# The format extensions would be fetched from the network.
_SETTINGS = Settings(rest_port=0, grpc_port=0, log_level=LogLevel.CRITICAL, enable_format_extensions=False)


def _whole_schema(table: Any) -> Any:
    """Return the Arrow schema of a table; the server's own forgets the fields of nested records."""
    return tabledata._build_arrow_schema([field.model_dump() for field in table.schema_.fields])


class _Snapshots(SnapshotManager):
    """Copies a table when it is created too; the server's own begins with the first append to it."""

    def __init__(self, engine: Any, catalog: Any, *more: Any, **named: Any) -> None:
        super().__init__(engine, catalog, *more, **named)
        create = catalog.create_table

        def create_and_copy(table: Any) -> Any:
            created = create(table)
            self.capture(table.project_id, table.dataset_id, table.table_id)
            return created

        catalog.create_table = create_and_copy


def _at_its_time(bq_sql: str, project_id: str, snapshots: SnapshotManager, engine: Any) -> str:
    """Return the statement with each table that is read at a time replaced by the copy of that time.

    The server's own parses the statement and writes it anew, which changes what paths into JSON mean.
    """
    del engine

    def copy_of(clause: re.Match[str]) -> str:
        dataset, table = clause["table"].replace("`", "").split(".")[-2:]
        at = datetime.fromisoformat(clause["at"])
        found = snapshots.resolve_time_travel(project_id, dataset, table, at)
        return f"`{found.duckdb_schema}`.`{found.duckdb_table}`" if found else clause["table"]

    # Of a copy it does not know which columns are JSON, and its operator for members binds less than NOT.
    whole = _MEMBER.sub(r"(\g<0>)", _AS_OF.sub(copy_of, bq_sql))
    # What it runs the statement on says it otherwise.
    return whole.replace("THEN INSERT ROW", "THEN INSERT *")


_type_of = write_servicer._bq_type_to_storage_type


def _whole_type(bq_type: str) -> int:
    """Return the Storage API's type; the server's own calls records strings."""
    record = TableFieldSchema.Type.STRUCT
    return int(record) if bq_type.upper() in ("RECORD", "STRUCT") else _type_of(bq_type)


def _end_with_parent(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _serve() -> None:
    server = EmulatorServer(_SETTINGS)
    await server.start()
    print("listening", server.rest_port, server.grpc_port, flush=True)
    # Nobody reads on: what is written from here must not fill the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    await asyncio.Event().wait()


if __name__ == "__main__":
    write_servicer._bq_type_to_storage_type = _whole_type
    write_servicer._table_arrow_schema = _whole_schema  # type: ignore[assignment]
    server_module.SnapshotManager = _Snapshots  # type: ignore[attr-defined]
    inner_query.rewrite_for_system_time = _at_its_time  # type: ignore[attr-defined]
    home = tempfile.mkdtemp(prefix="bigquery-emulator-")
    threading.Thread(target=_end_with_parent, args=(home,), daemon=True).start()
    # DuckDB keeps its extensions in the home directory.
    os.environ["HOME"] = home
    for extension in ("spatial", "icu", "json"):
        import_extension(extension)
    asyncio.run(_serve())
