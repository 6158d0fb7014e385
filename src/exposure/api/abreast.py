"""Two questions that one answer is made of, asked at the same time: both, or neither is left running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def abreast(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """Return what both return; raises what fails first, and cancels the other: it costs too."""
    asked = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        return await asyncio.gather(*asked)
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
