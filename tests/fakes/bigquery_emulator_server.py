"""The process of the BigQuery emulator; `bigquery_emulator.py` starts it.

It ends when its standard input closes, so it never outlives the tests, however they end; its folder goes
with it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from typing import Any

from bqemulator.api.routes import tabledata
from bqemulator.config import LogLevel, Settings
from bqemulator.grpc_api import write_servicer
from bqemulator.server import EmulatorServer
from duckdb_extensions import import_extension
from google.cloud.bigquery_storage_v1.types import TableFieldSchema

# The format extensions would be fetched from the network.
_SETTINGS = Settings(rest_port=0, grpc_port=0, log_level=LogLevel.CRITICAL, enable_format_extensions=False)


def _whole_schema(table: Any) -> Any:
    """Return the Arrow schema of a table; the server's own forgets the fields of nested records."""
    return tabledata._build_arrow_schema([field.model_dump() for field in table.schema_.fields])


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
    home = tempfile.mkdtemp(prefix="bigquery-emulator-")
    threading.Thread(target=_end_with_parent, args=(home,), daemon=True).start()
    # DuckDB keeps its extensions in the home directory.
    os.environ["HOME"] = home
    for extension in ("spatial", "icu", "json"):
        import_extension(extension)
    asyncio.run(_serve())
