"""How the service says it is."""

from __future__ import annotations

import logging

import pytest

from exposure.warehouse.port import WarehouseMisconfigured
from fakes.api_house import ApiHouse


async def test_ready_says_that_every_contract_can_be_asked_and_asks_seldom(api: ApiHouse) -> None:
    for _ in range(5):
        answer = await api.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    asked = [question.contract.name for question in api.reader.questions]
    assert sorted(asked) == ["analytics_table", "orders"]


async def test_a_warehouse_that_cannot_be_asked_makes_the_service_unready_but_not_dead(
    api: ApiHouse, caplog: pytest.LogCaptureFixture
) -> None:
    api.reader.failure = WarehouseMisconfigured("no permission on secret-project.table")
    with caplog.at_level(logging.WARNING):
        answer = await api.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "secret-project" not in answer.text
    assert "secret-project" in caplog.text
    assert (await api.get("/health/live")).status_code == 200
