"""The connection of a command to BigQuery, with the credentials of whoever types it.

Where BIGQUERY_EMULATOR_HOST says so it is one to an emulator, as with Google's own clients.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exposure.commands.console import MISUSED, fail

if TYPE_CHECKING:
    from google.cloud import bigquery


def open_bigquery(project: str, location: str | None) -> bigquery.Client:
    """Return a client; the command ends with one sentence when no place or no credentials are known."""
    if location is None:
        fail("--project needs --location, the BigQuery location of the dataset, for example EU", MISUSED)
    from google.auth.exceptions import DefaultCredentialsError

    from exposure.warehouse.bigquery_client import bigquery_client

    try:
        emulator = os.environ.get("BIGQUERY_EMULATOR_HOST")
        return bigquery_client(project, location, connections=1, endpoint=emulator)
    except DefaultCredentialsError:
        fail("no Google Cloud credentials found; run `gcloud auth application-default login`")
