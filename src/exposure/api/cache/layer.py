"""The ASGI layer between access and an application: answers questions from what is kept.

Who asks and how often is decided before; here only the view in force matters, as a part of the question.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from weakref import ref

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exposure.api.access.guard import IN_FORCE
from exposure.api.access.policy import View
from exposure.api.cache.answers import Answers, Given
from exposure.api.cache.capture import capture
from exposure.api.cache.conditions import Condition
from exposure.api.cache.entry import Entry, Fields, Repeatable
from exposure.api.cache.question import Question, Questions
from exposure.api.cache.state import STATUS, State, status_fields
from exposure.api.cache.versions import Version
from exposure.api.departure import CLIENT_LEFT, ClientLeft, while_awaited
from exposure.api.passage import PASSAGE, Passage
from exposure.api.problems import Problem, answer
from exposure.api.request import REQUEST_ID, TELL, tell_nobody

# As in every answer to a question: its representation and its coding were chosen.
_VARY = (b"vary", b"Accept, Accept-Encoding")


@dataclass(frozen=True)
class _Asked:
    """One question as it was asked: under which view and condition, and the table's version then."""

    question: Question
    view: View
    condition: Condition
    version: Version


class CacheLayer:
    """Serves one application's answers. `public` is the fingerprint of what everybody sees."""

    def __init__(self, app: ASGIApp, questions: Questions, answers: Answers, public: bytes) -> None:
        self._app = app
        self._questions = questions
        self._answers = answers
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no question passes through."""
        asked = self._asked(scope)
        if asked is None:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        try:
            given = await self._given(asked, scope, receive)
        except ClientLeft:
            await Response(status_code=CLIENT_LEFT)(scope, receive, send)
        except Problem as problem:
            await answer(problem, scope[REQUEST_ID])(scope, receive, send)
        else:
            await self._send(asked, given, (time.perf_counter() - started) * 1000, send)

    def _asked(self, scope: Scope) -> _Asked | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        # Probes come past the access layer, with no view: they ask nothing that is kept.
        view = IN_FORCE.get(None)
        question = None if view is None else self._questions.read(scope, view)
        if view is None or question is None:
            return None
        condition = Condition(Headers(scope=scope).getlist("if-none-match"))
        return _Asked(question, view, condition, self._answers.cache.versions.current(question.contract))

    async def _given(self, asked: _Asked, scope: Scope, receive: Receive) -> Given:
        question = asked.question
        if asked.condition.is_met_by(question.etag(asked.version.mark)):
            # Whoever has the tag was given the answer, or knows all it is made of: nothing is looked up.
            _note(scope, question, asked.version, None)
            return Given(State.UNCHANGED, None, None, "")
        make = partial(capture, self._app, scope)
        given = self._answers.kept(question, make, partial(scope.get(TELL, tell_nobody), question.contract))
        if given is None:
            return await while_awaited(receive, self._answers.fetched(question, make))
        if given.state is State.HIT and given.entry is not None:
            _note(scope, question, given.entry.version, given.entry)
        return given

    async def _send(self, asked: _Asked, given: Given, waited_ms: float, send: Send) -> None:
        if given.refusal is not None:
            status, body = given.refusal.status, given.refusal.body
            fields = (*given.refusal.fields, (b"cache-status", STATUS + given.state.value))
        else:
            version = asked.version if given.entry is None else given.entry.version
            etag = asked.question.etag(version.mark)
            own = self._fields(asked.view, version, etag)
            own += status_fields(given.state, given.tier, given.bytes_billed, waited_ms)
            if given.entry is None or asked.condition.is_any or asked.condition.is_met_by(etag):
                status, fields, body = 304, (_VARY, *own), b""
            else:
                status, fields, body = 200, (*given.entry.fields, *own), given.entry.body
        await send({"type": "http.response.start", "status": status, "headers": list(fields)})
        await send({"type": "http.response.body", "body": body})

    def _fields(self, view: View, version: Version, etag: bytes) -> Fields:
        cache, windows = self._answers.cache, self._answers.cache.windows
        control = windows.cache_control(is_public=view.fingerprint == self._public)
        fields = ((b"etag", etag), (b"cache-control", control.encode()))
        if not windows.lifetime:
            return fields
        return (*fields, (b"age", b"%d" % max(0, cache.clock() - version.at)))


def _note(scope: Scope, question: Question, version: Version, entry: Entry | None) -> None:
    passage: Passage | None = scope.get(PASSAGE)
    if passage is not None:
        passage.repeatable = Repeatable(
            question.contract,
            question.digest,
            version.mark,
            version.at,
            None if entry is None else ref(entry),
        )
