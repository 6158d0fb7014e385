"""Fixtures of the identity tests: the verifier that asks the stand-in for Google."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from exposure.identity.claims import GOOGLE_ISSUERS, ClaimsVerifier, Signer
from fakes.token_signer import AUDIENCE, CertificateServer
from fakes.turned_clock import TurnedClock


@pytest.fixture
async def verifier(google: CertificateServer, clock: TurnedClock) -> AsyncIterator[ClaimsVerifier]:
    verifier = ClaimsVerifier(Signer(GOOGLE_ISSUERS, AUDIENCE, google.url), clock=clock)
    yield verifier
    await verifier.close()
