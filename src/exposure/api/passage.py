"""What the layers of the API tell one another of one request, outwards and inwards. No client writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure.api.access.caller import Known
from exposure.api.access.rate_limit import Standing
from exposure.api.cache.entry import Repeatable

# Where a request's scope holds its passage; it is there when somebody wants to know.
PASSAGE = "exposure.passage"


@dataclass
class Passage:
    """One request on its way.

    `standings` are where its caller stands when it was counted already. `known` is who asked, and
    `repeatable` says that the same request may be answered in the same way again, and for how long.
    """

    standings: Sequence[Standing] | None = None
    known: Known | None = None
    repeatable: Repeatable | None = None
