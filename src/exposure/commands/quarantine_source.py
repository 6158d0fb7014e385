"""Where a command reads a quarantine, and which messages it means: the same options everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.commands.bigquery_connection import open_bigquery
from exposure.commands.console import MISUSED, fail
from exposure.ingest.rejection import Reason

if TYPE_CHECKING:
    from exposure.warehouse.quarantine import QuarantineReader, Selection

Project = Annotated[
    str | None, typer.Option(help="Google Cloud project; without it the local platform is meant.")
]
Location = Annotated[str | None, typer.Option(help="BigQuery location of the dataset; with --project.")]
DataDir = Annotated[Path, typer.Option(help="Where the local platform keeps its data.")]
Reasons = Annotated[
    list[Reason] | None, typer.Option("--reason", help="Only these reasons; may be given several times.")
]
Version = Annotated[
    str | None, typer.Option("--contract-version", help="Only what this version of the contract refused.")
]
Since = Annotated[str | None, typer.Option(help="Set aside at or after this instant, ISO 8601.")]
Until = Annotated[str | None, typer.Option(help="Set aside before this instant, ISO 8601.")]
DATA_DIR = Path(".exposure")


@dataclass(frozen=True)
class QuarantineSource:
    """A warehouse as the options name it; without a project the local platform's file."""

    project: str | None
    location: str | None
    data_dir: Path

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return self.project or str(self.data_dir.absolute())

    @contextmanager
    def open(self) -> Iterator[QuarantineReader]:
        """Open it; the command ends with one sentence when it cannot be opened or read."""
        from exposure.warehouse.port import WarehouseError

        try:
            reader = self._reader()
            try:
                yield reader
            finally:
                reader.close()
        except WarehouseError as error:
            fail(str(error))

    def _reader(self) -> QuarantineReader:
        if self.project is None:
            from exposure.warehouse.duckdb_quarantine import DuckDBQuarantine

            return DuckDBQuarantine(self.data_dir / "warehouse.duckdb")
        from exposure.warehouse.bigquery_quarantine import BigQueryQuarantine

        return BigQueryQuarantine(open_bigquery(self.project, self.location))


def selection_of(
    reasons: list[Reason] | None, version: str | None, since: str | None, until: str | None
) -> Selection:
    """Return the selection of the options; ends the command when an instant is none."""
    from exposure.warehouse.quarantine import Selection

    return Selection(
        reasons=tuple(reason.value for reason in reasons or ()),
        contract_version=version,
        since=_instant("--since", since),
        until=_instant("--until", until),
    )


def _instant(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option}: '{text}' is no instant; write it like 2026-11-25T07:30:00Z", MISUSED)
