"""The requests one question makes of BigQuery: each within its deadline, none once nobody waits for it.

The client library is synchronous and cannot be interrupted, and a query goes on when its client is gone. So
the session it sends through looks at the question first, and whoever gives a question up has its job
cancelled: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/cancel. What was read by then may be
billed all the same.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.exceptions import RequestException

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_JOB = re.compile(r"/projects/[^/]+/(?:jobs|queries)/(?P<job>[^/?]+)(?P<cancel>/cancel)?")
_SECONDS_TO_CANCEL = 5.0
# A request gets a little longer than the question, so that the service's own word of it comes through.
_GRACE_SECONDS = 0.25


class NobodyWaits(Exception):
    """The question was given up: past its deadline, or its client has gone away."""


class BigQueryCall:
    """What one question has under way; given up on the event loop, used on a thread."""

    def __init__(self, client: bigquery.Client, deadline: timedelta) -> None:
        self._client = client
        self._until = time.monotonic() + deadline.total_seconds()
        self._lock = threading.Lock()
        self._job: str | None = None
        self._has_ended = self._is_given_up = False

    @property
    def left(self) -> float:
        """Return the seconds left."""
        return self._until - time.monotonic()

    def run(self, ask: Callable[[BigQueryCall], T]) -> T:
        """Return what is asked for; whatever it requests on this thread is of this question."""
        with _current(self):
            try:
                return ask(self)
            finally:
                with self._lock:
                    self._has_ended = True

    def give_up(self) -> None:
        """Let no more requests be made, and cancel the job there is; waits for nothing."""
        with self._lock:
            if self._has_ended or self._is_given_up:
                return
            self._is_given_up = True
            job = self._job
        if job is not None:
            threading.Thread(target=self._cancel, args=(job,), name="bigquery-cancel").start()

    def admit(self, url: str) -> bool:
        """Return whether a request is the question's own; raises NobodyWaits when it may not be made."""
        found = _JOB.search(url)
        # How the library ends a job it will not wait for; it may take its own time.
        if found is not None and found["cancel"]:
            return False
        with self._lock:
            self._job = found["job"] if found is not None else self._job
            if self._is_given_up:
                raise NobodyWaits("nobody waits for the answer any more")
        return True

    def _cancel(self, job: str) -> None:
        try:
            self._client.cancel_job(
                job,
                location=self._client.location,
                retry=bigquery.DEFAULT_RETRY.with_timeout(_SECONDS_TO_CANCEL),
                timeout=_SECONDS_TO_CANCEL,
            )
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            _LOG.warning("the job %s could not be cancelled: %s", job, error)


class CallSession(AuthorizedSession):
    """Sends the requests of whichever question runs on this thread; any others as they are."""

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        """Send one request; raises NobodyWaits when nobody waits for its answer."""
        call = getattr(_HERE, "call", None)
        if call is not None and call.admit(url):
            options["timeout"] = max(0.0, call.left) + _GRACE_SECONDS
        return super().request(method, url, *args, **options)  # type: ignore[no-untyped-call]


_HERE = threading.local()


@contextmanager
def _current(call: BigQueryCall) -> Iterator[None]:
    _HERE.call = call
    try:
        yield
    finally:
        _HERE.call = None
