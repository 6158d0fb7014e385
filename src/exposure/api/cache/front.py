"""The outermost ASGI layer: gives the very same request the very same answer, without going the whole way.

What a request that was answered from the cache said that matters, its credential among it, is remembered with
the head of its answer as all layers had made it. It is given again only while its credential would be
accepted again, the table's version is the same and the entry is still there; requests are counted as ever.
Everything else goes the whole way, and nothing is decided here that was not decided there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.again import AGAIN, Again
from exposure.api.access.bounds import MOST_FIELD_BYTES, MOST_FIELDS
from exposure.api.access.caller import Known
from exposure.api.access.door import Door
from exposure.api.access.rate_limit import Standing, Turn, limit_field
from exposure.api.cache.answers import Answers
from exposure.api.cache.entry import Repeatable
from exposure.api.passage import PASSAGE, Passage
from exposure.api.request import ANSWERED
from exposure.api.request_ids import RequestIds
from exposure.api.tiers import CACHE
from exposure.written_fields import WRITTEN, read, written

_REMEMBERED = 2048
# All that any layer looks at in a request that is answered from the cache, beside where it comes from.
_TELLING = frozenset(
    {b"authorization", b"x-api-key", b"accept", b"accept-encoding", b"if-none-match", b"origin"}
)
# What is said of each answer anew.
_ITS_OWN = frozenset({b"x-request-id", b"ratelimit", b"age"})
_METHODS = frozenset({"GET", "HEAD"})
Head = tuple[object, ...]
Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Recalled:
    """An answer that may be given again: to whom, while what is so, and how it begins.

    The fields each answer has of its own are not among `fields`, which `written` holds as they are sent.
    """

    known: Known
    repeatable: Repeatable
    status: int
    fields: Fields
    written: bytes
    ages: bool
    is_head: bool


class Front:
    """Stands before the whole API, which serves whatever is not given again."""

    def __init__(self, app: ASGIApp, door: Door, answers: Answers) -> None:
        self._app = app
        self._door = door
        self._answers = answers
        self._ids = RequestIds()
        self._versions = answers.cache.versions
        self._store = answers.cache.store
        self._clock = answers.cache.clock
        self._recalled: dict[Head, _Recalled] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is being made ends with the application's life."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                await self._answers.close()
            return
        head = _head(scope) if scope["type"] == "http" else None
        if head is None:
            await self._app(scope, receive, send)
            return
        recalled = self._recalled.get(head)
        body = None if recalled is None else self._body(recalled)
        if recalled is None or body is None:
            await self._go_the_whole_way(head, scope, receive, send)
            return
        standings = await self._door.take(scope, recalled.known.caller)
        # Nothing is counted behind the first refusal.
        if standings and standings[-1].is_refused:
            # It is counted: the layer that refuses it must not count it again.
            await self._app({**scope, PASSAGE: Passage(standings)}, receive, send)
            return
        scope[ANSWERED] = (recalled.repeatable.contract, CACHE)
        own = self._written_own(recalled, standings)
        turn = self._door.turn(scope, recalled.known.caller) if AGAIN in scope else None
        await send(
            {
                "type": "http.response.start",
                "status": recalled.status,
                "headers": recalled.fields + read(own),
                WRITTEN: recalled.written + own,
            }
            | ({} if turn is None else {AGAIN: self._again(recalled, turn)})
        )
        await send({"type": "http.response.body", "body": body})

    def _again(self, recalled: _Recalled, turn: Turn) -> Again:
        """Return what gives the answer once more, unless the request is to be looked at as a whole."""

        def again() -> tuple[bytes, bytes] | None:
            body = self._body(recalled)
            standings = None if body is None else turn()
            if body is None or standings is None:
                return None
            return recalled.written + self._written_own(recalled, standings), body

        return again

    def _body(self, recalled: _Recalled) -> bytes | None:
        """Return the body to give again, None when it may not be given."""
        repeatable = recalled.repeatable
        if self._versions.current(repeatable.contract).mark != repeatable.mark or not recalled.known.holds():
            return None
        if repeatable.entry is None:
            return b""
        entry = self._store.get(repeatable.digest)
        if entry is None or entry is not repeatable.entry():
            return None
        return b"" if recalled.is_head or recalled.status == 304 else entry.body

    def _written_own(self, recalled: _Recalled, standings: Sequence[Standing]) -> bytes:
        fields = f"x-request-id: {self._ids.next()}\r\n"
        if recalled.ages:
            fields += f"age: {max(0, int(self._clock() - recalled.repeatable.at))}\r\n"
        if standings:
            fields += f"ratelimit: {limit_field(standings)}\r\n"
        return fields.encode()

    async def _go_the_whole_way(self, head: Head, scope: Scope, receive: Receive, send: Send) -> None:
        passage = Passage()

        async def watched(message: Message) -> None:
            await send(message)
            # Now that the server has taken its fields: they are not looked at again.
            if message["type"] == "http.response.start" and passage.repeatable is not None:
                self._remember(head, passage, message, is_head=scope["method"] == "HEAD")

        await self._app({**scope, PASSAGE: passage}, receive, watched)

    def _remember(self, head: Head, passage: Passage, start: Message, *, is_head: bool) -> None:
        if passage.known is None or passage.repeatable is None:
            return
        whole = [(bytes(name).lower(), bytes(value)) for name, value in start["headers"]]
        if start["status"] == 200 and not any(name == b"content-length" for name, _ in whole):
            return
        fields = [field for field in whole if field[0] not in _ITS_OWN]
        recalled = _Recalled(
            known=passage.known,
            repeatable=passage.repeatable,
            status=start["status"],
            fields=fields,
            written=written(fields),
            ages=any(name == b"age" for name, _ in whole),
            is_head=is_head,
        )
        self._recalled.pop(head, None)
        self._recalled[head] = recalled
        if len(self._recalled) > _REMEMBERED:
            del self._recalled[next(iter(self._recalled))]


def _head(scope: Scope) -> Head | None:
    """Return all of a request that its answer depends on; None when it has to be looked at as a whole."""
    headers = scope["headers"]
    path = scope.get("raw_path")
    if path is None or scope["method"] not in _METHODS or len(headers) > MOST_FIELDS:
        return None
    said, held = [], 0
    for field in headers:
        name, value = field
        held += len(name) + len(value)
        if name in _TELLING:
            said.append(field)
    if held > MOST_FIELD_BYTES:
        return None
    return (scope["method"], path, scope["path"], scope["query_string"], *said)
