"""Where an answer came from, as answers and lines name it."""

from __future__ import annotations

WAREHOUSE = "warehouse"
# An instance's own copy of a table's recent rows.
REPLICA = "replica"
# An answer kept of before, and one kept of a version that is no longer the table's.
CACHE = "cache"
STALE = "stale"
