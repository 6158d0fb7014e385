"""How a process of ingest collects garbage: rarely, and never what was there when it began.

Every message makes and drops objects that wait for one another. With Python's own bounds each few dozen
messages have the young ones looked through, and by and by everything a process has imported, which costs
as much as the messages themselves. Who starts the process asks for it; nothing is kept or freed by it.
"""

from __future__ import annotations

import gc

# Objects made and not dropped until the youngest are looked through; and how many of those looks make one
# at the older, and of these at the oldest.
_YOUNG, _OLDER, _OLDEST = 20_000, 20, 50


def spare_what_stands() -> None:
    """Leave out for ever what is there now, and look through the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDEST)
