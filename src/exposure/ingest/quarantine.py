"""Where messages that can never be rows are kept: their bytes and attributes untouched, and the reason."""

from __future__ import annotations

from datetime import datetime

import msgspec

from exposure.contracts.model import Contract
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.query.model import Row


def quarantine_row(contract: Contract, message: Message, rejection: Rejection, ingest_time: datetime) -> Row:
    """Return the row of the quarantine table, in the order of `schema.QUARANTINE_COLUMNS`."""
    return (
        rejection.reason.value,
        rejection.detail,
        message.data,
        msgspec.json.encode(message.attributes).decode(),
        contract.version,
        message.id,
        message.publish_time,
        ingest_time,
    )
