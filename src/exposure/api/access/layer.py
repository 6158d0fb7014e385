"""The ASGI layer in front of the API: who asks, how often, and which API answers them.

There is one application per shape of what can be seen, so a contract or a column that a caller may not see is
not hidden from an answer: the application that answers has never heard of it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.api.access.budget import PAYER
from exposure.api.access.caller import ANONYMOUS, NOBODY, CannotVerify, Known, Unauthenticated
from exposure.api.access.door import Door
from exposure.api.access.guard import IN_FORCE
from exposure.api.access.policy import Policy, View
from exposure.api.access.rate_limit import Standing, limit_fields
from exposure.api.passage import PASSAGE, Passage
from exposure.api.problems import QUOTA_EXCEEDED, SIGNER_UNAVAILABLE, UNAUTHENTICATED, Problem, answer
from exposure.api.request import REQUEST_ID
from exposure.contracts.catalog import Catalog

_LOG = logging.getLogger(__name__)
_KEPT_APPS = 64
# Probes come with no credential, from the platform, and must be answered however much is asked.
_UNCOUNTED = frozenset({"/health/live", "/health/ready"})
_VARY, _CREDENTIALS = b"vary", b"Authorization, X-API-Key"
_CACHE_CONTROL = b"cache-control"


class AccessLayer:
    """Serves each caller from the application `build` makes of what they see."""

    def __init__(self, catalog: Catalog, door: Door, build: Callable[[Catalog], ASGIApp]) -> None:
        self._door = door
        self._build = build
        self._policy = Policy(catalog)
        self._apps: OrderedDict[tuple[int | None, ...], ASGIApp] = OrderedDict()
        for contract in catalog:
            if not contract.access.grants:
                _LOG.warning("contract '%s' grants nobody anything and is served to no one", contract.name)
        self._anonymous = self.app(self._policy.view(ANONYMOUS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the life of the applications is that of the one for everybody."""
        if scope["type"] == "lifespan":
            try:
                await self._anonymous(scope, receive, send)
            finally:
                await self._door.close()
        elif scope["type"] != "http" or scope["path"] in _UNCOUNTED:
            await self._anonymous(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    def app(self, view: View) -> ASGIApp:
        """Return the application made of what the view shows."""
        app = self._apps.pop(view.shape, None) or self._build(view.catalog)
        self._apps[view.shape] = app
        if len(self._apps) > _KEPT_APPS:
            self._apps.popitem(last=False)
        return app

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        passage: Passage = scope.get(PASSAGE) or Passage()
        known, problem = await self._who(scope)
        standings = passage.standings
        if standings is None:
            standings = await self._door.take(scope, known.caller)
        problem = _exceeded(standings) or problem
        fields = limit_fields(standings)

        account = self._door.account(scope, known.caller)

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                limits = fields if account is None else account.added_to(fields)
                message = _decorated(message, limits)
            await send(message)

        if problem is not None:
            await answer(problem, scope[REQUEST_ID])(scope, receive, decorated)
            return
        passage.known = known
        view = self._policy.view(known.caller)
        token, payer = IN_FORCE.set(view), PAYER.set(account)
        try:
            await self.app(view)(scope, receive, decorated)
        finally:
            IN_FORCE.reset(token)
            PAYER.reset(payer)

    async def _who(self, scope: Scope) -> tuple[Known, Problem | None]:
        """Return who asks, or nobody and why their credential does not count."""
        try:
            return await self._door.known(Headers(scope=scope)), None
        except Unauthenticated as error:
            _LOG.info("request %s: a credential was refused: %s", scope[REQUEST_ID], error)
            return NOBODY, Problem(UNAUTHENTICATED, str(error))
        except CannotVerify as error:
            _LOG.warning("request %s: a credential cannot be verified: %s", scope[REQUEST_ID], error)
            return NOBODY, Problem(SIGNER_UNAVAILABLE, "the keys of the token's signer cannot be had")


def _exceeded(standings: Sequence[Standing]) -> Problem | None:
    violated = [one.quota.name for one in standings if one.is_refused]
    if not violated:
        return None
    detail = f"more requests than the quota of this {violated[0]} allows"
    return Problem(QUOTA_EXCEEDED, detail, members={"violated-policies": violated})


def _decorated(message: Message, limits: Mapping[str, str]) -> Message:
    """Return the start of an answer with its own fields; as `api.shell` does, and why."""
    fields = list(message["headers"])
    names = [name for name, _ in fields]
    # The answer may depend on who asks: no cache may give it to another, or to anybody unless it says so.
    if _VARY in names:
        at = names.index(_VARY)
        fields[at] = (_VARY, fields[at][1] + b", " + _CREDENTIALS)
    else:
        fields.append((_VARY, _CREDENTIALS))
    if _CACHE_CONTROL not in names:
        fields.append((_CACHE_CONTROL, b"no-store"))
    fields += [(name.lower().encode(), value.encode("latin-1")) for name, value in limits.items()]
    return {**message, "headers": fields}
