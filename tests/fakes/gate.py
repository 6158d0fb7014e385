"""A blocking call that a test holds back in its thread."""

from __future__ import annotations

import threading


class Gate:
    """A call that waits until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self) -> str:
        self.entered.release()
        assert self.open.wait(30)
        return "done"
