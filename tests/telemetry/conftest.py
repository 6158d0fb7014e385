"""What several tests of telemetry begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.otlp_receiver import OtlpReceiver, otlp_receiver


@pytest.fixture
def collector() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as receiver:
        yield receiver
