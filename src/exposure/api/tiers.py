"""Where a kept answer came from, as answers and lines name it; `warehouse.port` names the others."""

from __future__ import annotations

# An answer kept of before, and one kept of a version that is no longer the table's.
CACHE = "cache"
STALE = "stale"
