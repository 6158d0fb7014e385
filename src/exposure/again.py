"""An answer that may be given again: to the very same bytes of a request, without an application's call.

Where a request's scope holds AGAIN, whoever answers by `http.response.start` may lay a function beside it,
under the same name. `exposure.http_protocol` calls it when the same bytes come from the same address, and
sends what it returns. It tells whether all is still so that the answer depends on, and counts what each
request counts.

The layers around the one that offers it are not called then. One that counts adds what it does (`and_again`);
one that looks at each request takes the mark away (`once`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Scope

AGAIN = "exposure.again"
# The fields as they are written, which are all but those of the server's own, and the body. None: ask anew.
Again = Callable[[], tuple[bytes, bytes] | None]


def and_again(message: Message, does: Callable[[], None]) -> Message:
    """Return the message, with what is done whenever its answer is given again, if it may be."""
    given: Again | None = message.get(AGAIN)
    if given is None:
        return message

    def again() -> tuple[bytes, bytes] | None:
        answer = given()
        if answer is not None:
            does()
        return answer

    return {**message, AGAIN: again}


def once(scope: Scope) -> None:
    """Let the answer to this request be given no more than once."""
    scope.pop(AGAIN, None)
