"""Where a replay stands, in a file: whoever is interrupted goes on behind what was published.

At least once: a replay that dies between publishing and writing this publishes the last step again.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from exposure.contracts.model import Contract
from exposure.warehouse.quarantine import Position, Selection


class CursorMismatch(Exception):
    """The file is of another replay, or is none; the sentence says what to do."""


class ReplayCursor:
    """The file of one replay: of one contract, one place and one selection of messages."""

    def __init__(self, path: Path, contract: Contract, where: str, selection: Selection) -> None:
        self._path = path
        self._replay = {"contract": contract.name, "where": where, "selection": _written(selection)}

    def load(self) -> Position | None:
        """Return where to go on; None when the file is not there yet. Raises CursorMismatch or OSError."""
        try:
            saved = json.loads(self._path.read_text("utf-8"))
            position = Position(datetime.fromisoformat(saved["ingest_time"]), str(saved["message_id"]))
            replay = saved["replay"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise CursorMismatch(f"{self._path} is no cursor of a replay; name another file") from error
        if replay != self._replay:
            raise CursorMismatch(
                f"{self._path} is the cursor of another replay; name another file, or ask as you did then"
            )
        return position

    def save(self, position: Position) -> None:
        """Replace the file as a whole. Raises OSError."""
        saved = {
            "replay": self._replay,
            "ingest_time": position.ingest_time.isoformat(),
            "message_id": position.message_id,
        }
        written = self._path.with_name(f"{self._path.name}.new")
        with written.open("w", encoding="utf-8") as file:
            file.write(json.dumps(saved, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)


def _written(selection: Selection) -> dict[str, Any]:
    return {
        "reasons": sorted(selection.reasons),
        "contract_version": selection.contract_version,
        "message_id": selection.message_id,
        "since": selection.since.isoformat() if selection.since else None,
        "until": selection.until.isoformat() if selection.until else None,
    }
