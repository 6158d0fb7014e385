"""Reads quarantines out of the embedded warehouse's file, be the platform running or not.

A running platform has the file to itself, so a copy of it is read then: file and write-ahead log, taken at a
moment when neither changed meanwhile. May not write.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import duckdb

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.model import Row
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_errors import warehouse_error
from exposure.warehouse.duckdb_values import bindable, in_utc
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.quarantine import (
    Position,
    QuarantineCount,
    Quarantined,
    Selection,
    compile_counts,
    compile_selection,
    quarantined,
)
from exposure.warehouse.schema import QUARANTINE_COLUMNS
from exposure.warehouse.sql import Statement

_DIALECT = DuckDBDialect()
_COPIES = 50
_PAUSE_SECONDS = 0.1
_FETCHED_ROWS = 500
_COUNTED = (
    Column("reason", Scalar.STRING), Column("contract_version", Scalar.STRING),
    Column("messages", Scalar.INTEGER), Column("first", Scalar.TIMESTAMP), Column("last", Scalar.TIMESTAMP),
)  # fmt: skip


class DuckDBQuarantine:
    """The quarantines of one file, as they were when this was made.

    Making it raises WarehouseMisconfigured when there is no such file, and WarehouseUnavailable when a
    running platform writes so much that no copy of it is whole.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise WarehouseMisconfigured(f"{path} does not exist; has the platform ever run there?")
        with ExitStack() as opened:
            self._connection = _open(path, opened)
            opened.callback(self._connection.close)
            self._opened = opened.pop_all()

    def select(
        self, contract: Contract, selection: Selection, after: Position | None = None, most: int | None = None
    ) -> Iterator[Quarantined]:
        """Yield the messages, the earliest first; see `QuarantineReader`."""
        cursor = self._ask(compile_selection(contract, selection, _DIALECT, after, most))
        while rows := cursor.fetchmany(_FETCHED_ROWS):
            yield from (quarantined(row) for row in in_utc(QUARANTINE_COLUMNS, rows))

    def count(self, contract: Contract, selection: Selection) -> Sequence[QuarantineCount]:
        """Return the counts; see `QuarantineReader`."""
        rows: list[Row] = self._ask(compile_counts(contract, selection, _DIALECT)).fetchall()
        return [QuarantineCount(*row) for row in in_utc(_COUNTED, rows)]  # type: ignore[arg-type]  # as _COUNTED

    def close(self) -> None:
        """Close the file and forget the copy."""
        self._opened.close()

    def _ask(self, statement: Statement) -> duckdb.DuckDBPyConnection:
        values = {one.name: bindable(one.value) for one in statement.parameters}
        try:
            return self._connection.cursor().execute(statement.text, values)
        except duckdb.Error as error:
            raise warehouse_error(error) from error


def _open(path: Path, opened: ExitStack) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        if "Could not set lock" not in str(error):
            raise WarehouseMisconfigured(f"{path} cannot be opened as a DuckDB file: {error}") from error
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="exposure-quarantine-")))
    for _ in range(_COPIES):
        copy = _copied(path, folder)
        if copy is not None:
            with suppress(duckdb.Error):  # a log cut in the middle of an entry is none
                return duckdb.connect(str(copy))
        time.sleep(_PAUSE_SECONDS)
    raise WarehouseUnavailable(f"{path} is being written all the time; stop the platform and try again")


def _copied(path: Path, folder: Path) -> Path | None:
    """Return a copy with its log; None when either changed while it was made."""
    log, copy = Path(f"{path}.wal"), folder / path.name
    before = (_state(path), _state(log))
    shutil.copyfile(path, copy)
    log_copy = Path(f"{copy}.wal")
    log_copy.unlink(missing_ok=True)
    try:
        shutil.copyfile(log, log_copy)
    except FileNotFoundError:
        log_copy.unlink(missing_ok=True)
    return copy if before == (_state(path), _state(log)) else None


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a missing file is one of the answers
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
