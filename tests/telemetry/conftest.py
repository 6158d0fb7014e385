"""What several tests of telemetry begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.auth.exceptions import DefaultCredentialsError

from fakes.otlp_receiver import OtlpReceiver, otlp_receiver


@pytest.fixture
def collector() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(scopes: list[str]) -> None:
        raise DefaultCredentialsError(f"nobody for {scopes}")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", nobody)
