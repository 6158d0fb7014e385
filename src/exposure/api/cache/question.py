"""What is asked, as one digest: the one place that says which requests have the same answer.

A digest is made of everything an answer depends on except the version of the table: what the caller sees,
the contract and its shape, the path, the parameters, the representation and the content coding. The order of
parameters of different names, and how they are percent-encoded, say nothing. What is not asked of rows, and
what cannot be answered, is no question here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import Scope

from exposure.api.access.policy import View
from exposure.api.compress import accepted_codings
from exposure.api.describe import describe_contract
from exposure.api.encode import JSON, dumps
from exposure.api.formats.choice import choose_format
from exposure.api.negotiate import choose, choose_token
from exposure.api.problems import Problem
from exposure.contracts.catalog import Catalog
from exposure.query.errors import BadQuery
from exposure.query.grammar import EXPLAIN

# Raised whenever what answers look like changes, so that no answer of another release is given.
_FORM = b"1"
_PATH = re.compile(r"/v1/([a-z][a-z0-9_]*)(?:/.+|(:aggregate|:facets)|)", re.DOTALL)
Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one contract's rows; equal digests have equal answers while the version is one."""

    contract: str
    digest: bytes

    def etag(self, mark: str) -> bytes:
        """Return the entity tag of the answer at the version of that mark.

        It is weak: the answer made anew at one version holds the same rows, but says how long it took.
        """
        return b'W/"' + hashlib.sha256(self.digest + mark.encode()).hexdigest()[:32].encode() + b'"'


class Questions:
    """Reads questions about a catalog's contracts; `codings` are those offered, the preferred first."""

    def __init__(self, catalog: Catalog, codings: Sequence[str]) -> None:
        self._shapes = {one.name: _digest([dumps(describe_contract(one))]) for one in catalog}
        self._codings = codings

    def read(self, scope: Scope, view: View) -> Question | None:
        """Return what a GET asks; None when its answer is not for keeping."""
        match = _PATH.fullmatch(scope["path"])
        if match is None or match[1] not in self._shapes:
            return None
        query = scope["query_string"].decode("utf-8", "surrogateescape")
        parameters = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
        if any(name == EXPLAIN for name, _ in parameters):
            return None
        headers = Headers(scope=scope)
        representation = _representation(headers, parameters, is_grouped=match[2] is not None)
        if representation is None:
            return None
        coding = choose_token(accepted_codings(scope), self._codings)
        parts = [
            _FORM,
            view.fingerprint,
            match[1].encode(),
            self._shapes[match[1]],
            _bytes(scope["path"]),
            representation.encode(),
            (coding or "").encode(),
            *_canonical(parameters),
        ]
        return Question(match[1], _digest(parts))


def _representation(headers: Headers, parameters: Parameters, *, is_grouped: bool) -> str | None:
    accepted = ", ".join(headers.getlist("accept"))
    if is_grouped:
        return choose(accepted, (JSON,))
    try:
        # What it is written with is among the parameters.
        return choose_format(accepted, parameters).content_type
    except (BadQuery, Problem):
        return None


def _canonical(parameters: Parameters) -> Iterable[bytes]:
    # Sorted by name alone: of two values of one name the first may mean something else than the second.
    for name, value in sorted(parameters, key=lambda pair: pair[0]):
        yield _bytes(name)
        yield _bytes(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(parts: Iterable[bytes]) -> bytes:
    """Return one digest of the parts; where one ends and the next begins is told by their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
