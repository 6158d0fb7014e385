"""What answers that may be given again say of it, as OpenAPI describes it, and the answer to who has one.

What is said is RFC 9110's, 9111's and 9211's. `If-None-Match` is said of the tag rather than declared: it is
no parameter of ours, and every client that keeps answers sends it by itself.
"""

from __future__ import annotations

from typing import Any

from exposure.api.tiers import CACHE, STALE

Document = dict[str, Any]
_STRING: Document = {"type": "string"}
_TOLD: Document = {
    "ETag": {
        "description": "Names these rows; who sends it as `If-None-Match` is answered 304 while they are the "
        "answer. Absent, with the other fields about keeping, where nothing is kept.",
        "schema": _STRING,
    },
    "Cache-Control": {
        "description": "For how long they may be given again, and to whom; `no-store` where nothing is kept.",
        "schema": _STRING,
    },
    "Age": {
        "description": "For how many seconds they may have been outdated; absent where a change is known at "
        "once.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Cache-Status": {
        "description": "Whether they were kept: `exposure; hit`, with `detail=stale-while-revalidate` or "
        "`detail=stale-if-error` where newer ones were not to be had at once, or `exposure; fwd=miss`. "
        f"`X-Tier` is then `{CACHE}` or `{STALE}`.",
        "schema": _STRING,
    },
}


def kept(answer: Document) -> dict[str, Document]:
    """Return the answers, by status, of a question whose answer may be kept; `answer` describes the rows."""
    return {
        "200": answer | {"headers": answer["headers"] | _TOLD},
        "304": {"description": "The rows that `If-None-Match` names are still the answer.", "headers": _TOLD},
    }
