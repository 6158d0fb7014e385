"""Who it is that sends spans or metrics; needs no library."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origin:
    """One process. `project` and `region` are Google's names of whose it is and where it runs, if known.

    `instance` is its own: two that told counts under one name would overwrite each other's.
    """

    service: str
    project: str = ""
    region: str = ""
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)

    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the OpenTelemetry resource, without those that are not known.

        Google refuses what does not say whose it is, and points without an instance and a place, which become
        the labels of `prometheus_target`: https://cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics
        """
        told = {
            "service.name": self.service,
            "service.instance.id": self.instance,
            "gcp.project_id": self.project,
            "cloud.region": self.region,
        }
        return {name: text for name, text in told.items() if text}
