"""Where an answer came from, as answers and lines name it."""

from __future__ import annotations

WAREHOUSE = "warehouse"
