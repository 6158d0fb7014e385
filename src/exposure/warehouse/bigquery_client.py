"""How this house talks to BigQuery's REST API: one client, its connections and its credentials."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import google.auth
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud import bigquery
from requests.adapters import HTTPAdapter

from exposure.warehouse.bigquery_calls import CallSession

OPTIONAL_JOBS = "JOB_CREATION_OPTIONAL"


def bigquery_client(
    project: str, location: str, *, connections: int, endpoint: str | None = None
) -> bigquery.Client:
    """Return a client that keeps `connections` open and makes a job only for a query that is long.

    `endpoint` is an emulator's address, asked without credentials; None is Google, asked with the
    process's own. Raises google.auth's DefaultCredentialsError when it has none.
    """
    credentials = _no_credentials() if endpoint else _own_credentials()
    session = CallSession(credentials)  # type: ignore[no-untyped-call]
    # The library's session keeps ten connections and throws the others away after each answer.
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return bigquery.Client(
        project=project,
        location=location,
        credentials=credentials,
        _http=session,
        client_options={"api_endpoint": endpoint} if endpoint else None,
        default_job_creation_mode=OPTIONAL_JOBS,
    )


def storage_client(client: bigquery.Client) -> Callable[[], object] | None:
    """Return what makes, once, a client of the Storage Read API with the same credentials.

    None where its library or pyarrow is not installed: streams are then read through the client itself.
    """
    if not all(map(_is_installed, ("google.cloud.bigquery_storage_v1", "pyarrow"))):
        return None

    @functools.cache
    def make() -> object:
        # Imported when a stream is first read; the reader starts without it.
        module = import_module("google.cloud.bigquery_storage_v1")
        made: object = module.BigQueryReadClient(credentials=client._credentials)  # noqa: SLF001  # none else
        return made

    return make


def _is_installed(name: str) -> bool:
    return find_spec(name) is not None


def _no_credentials() -> Credentials:
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def _own_credentials() -> Credentials:
    credentials, _ = google.auth.default(scopes=bigquery.Client.SCOPE)
    return credentials
