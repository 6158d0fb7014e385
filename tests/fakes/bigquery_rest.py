"""BigQuery's `jobs.query` as far as an answer goes: canned answers, recorded requests, on loopback.

It judges what the emulator does not: quotas, costs, long queries, faults, and what each request asks for.
Form: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query. It knows no SQL.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
JOB = {"projectId": "some-project", "jobId": "job-1", "location": "EU"}


@dataclass(frozen=True)
class Request:
    """One request: `POST /…/queries`, `GET /…/jobs/job-1`, …; `body` is {} when it had none."""

    method: str
    path: str
    body: Json


@dataclass(frozen=True)
class Answer:
    """One answer; it is sent once `held`, if any, is set. `status` 0 closes the connection instead."""

    body: Json
    status: int = 200
    held: threading.Event | None = None


@dataclass
class BigQueryRest:
    """The server's script and memory: answers by method and end of path, the last one for ever."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def script(self, call: str, *answers: Answer) -> None:
        """Set the answers of a call, such as `POST queries` or `GET job-1`."""
        self.answers[call] = list(answers)

    def next_answer(self, request: Request) -> Answer:
        """Remember the request and return its answer."""
        self.requests.append(request)
        call = f"{request.method} {request.path.partition('?')[0].rpartition('/')[2]}"
        script = self.answers[call]
        return script.pop(0) if len(script) > 1 else script[0]

    def calls(self, method: str, end: str) -> list[Request]:
        """Return the requests of one call, in order."""
        calls = [one for one in self.requests if one.method == method]
        return [one for one in calls if one.path.partition("?")[0].endswith(end)]


def result(fields: Sequence[Json], rows: Sequence[Sequence[object]], **more: object) -> Answer:
    """Return a whole answer: `fields` as in a table's schema, a row as the API writes its values."""
    body: Json = {
        "kind": "bigquery#queryResponse",
        "queryId": "query-1",
        "jobComplete": True,
        "schema": {"fields": list(fields)},
        "totalRows": str(len(rows)),
        "rows": [{"f": [{"v": value} for value in row]} for row in rows],
        "totalBytesProcessed": "0",
        "cacheHit": False,
    }
    return Answer(body | more)


def refusal(status: int, reason: str, message: str = "no") -> Answer:
    """Return an error as the API words one."""
    return Answer(
        {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}},
        status,
    )


def job(state: str) -> Json:
    """Return the resource of the job a long query became."""
    return {
        "kind": "bigquery#job",
        "id": "some-project:EU.job-1",
        "jobReference": JOB,
        "configuration": {"jobType": "QUERY", "query": {"query": "SELECT 1"}},
        "status": {"state": state},
        "statistics": {"totalBytesProcessed": "0"},
    }


UNFINISHED = Answer({"jobComplete": False, "jobReference": JOB})


@contextmanager
def running_rest() -> Iterator[BigQueryRest]:
    """Serve on a free port; end every connection when left."""
    rest = BigQueryRest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(rest))
    server.daemon_threads = True
    rest.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield rest
    finally:
        for answers in rest.answers.values():
            for answer in answers:
                if answer.held:
                    answer.held.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler_of(rest: BigQueryRest) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            rest.connections += 1

        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            answer = rest.next_answer(Request(self.command, self.path, body))
            if answer.held:
                answer.held.wait(30)
            if not answer.status:
                self.close_connection = True
                return
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            text = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            # A client past its deadline is not there any more.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler
