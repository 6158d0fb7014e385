"""A budget tells people before it is spent."""

from __future__ import annotations

import pytest

from fakes.operations_plan import ALERT, changed, of_type, watch
from stacks.plan import Recorded, settings_of

BUDGET = "gcp:billing/budget:Budget"
MONTHLY = {"billing_account": "000000-000000-000000", "amount_units": 500, "currency": "EUR"}


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    return watch(changed("prod", budget=MONTHLY))


def test_a_budget_tells_the_same_people_before_it_is_spent(plan: list[Recorded]) -> None:
    (budget,) = of_type(plan, BUDGET).values()
    amount = budget.inputs["amount"]["specifiedAmount"]
    assert amount == {"currencyCode": "EUR", "units": "500"}
    assert budget.inputs["budgetFilter"] == {"projects": [f"projects/{settings_of('prod').project_number}"]}
    shares = [(rule["thresholdPercent"], rule["spendBasis"]) for rule in budget.inputs["thresholdRules"]]
    assert shares == [
        (0.5, "CURRENT_SPEND"),
        (0.9, "CURRENT_SPEND"),
        (1.0, "CURRENT_SPEND"),
        (1.0, "FORECASTED_SPEND"),
    ]
    told = budget.inputs["allUpdatesRule"]["monitoringNotificationChannels"]
    assert told == of_type(plan, ALERT)["error-rate"].inputs["notificationChannels"]


def test_no_budget_is_declared_where_none_is_set() -> None:
    assert not of_type(watch(changed("prod", budget=None)), BUDGET)
