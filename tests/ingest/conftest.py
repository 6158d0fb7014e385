"""Fixtures of the ingest tests: the verifier that asks the stand-in for Google."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from exposure.ingest.token import PushIdentity, TokenVerifier
from fakes.token_signer import ACCOUNT, AUDIENCE, CertificateServer
from fakes.turned_clock import TurnedClock


@pytest.fixture
async def verifier(google: CertificateServer, clock: TurnedClock) -> AsyncIterator[TokenVerifier]:
    verifier = TokenVerifier(PushIdentity(ACCOUNT, AUDIENCE, google.url), clock=clock)
    yield verifier
    await verifier.close()
