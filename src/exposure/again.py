"""An answer that may be given again: to the very same bytes of a request, without an application's call.

Whoever answers by `http.response.start` may lay a function beside it, under AGAIN. `exposure.http_protocol`
calls it when the same bytes come from the same address, and sends what it returns. It tells whether all is
still so that the answer depends on, and counts what each request counts.

The layers around the one that offers it are not called then. One that counts, or looks at each request, adds
what it does (`and_again`) or takes the offer away (`never_again`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Send

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


def never_again(send: Send) -> Send:
    """Return what sends the same answers, none of which is given again."""

    async def sent(message: Message) -> None:
        await send({name: value for name, value in message.items() if name != AGAIN})

    return sent
