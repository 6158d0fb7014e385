"""The monthly budget: who is told as spend nears it. A budget stops nothing; byte caps and quotas do.

Google knows spend hours late; what queries cost right now is on the dashboard.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import billing

from stacks.alert_policy import Routing
from stacks.config import BudgetSettings, Settings

_SPENT_SHARES = (0.5, 0.9, 1.0)
_FORECAST_SHARE = 1.0


def declare_budget(
    budget: BudgetSettings, settings: Settings, routing: Routing, opts: pulumi.ResourceOptions
) -> billing.Budget:
    """Return the budget of the stack's project; it is the billing account's and needs a right on that."""
    return billing.Budget(
        "budget",
        billing.BudgetArgs(
            billing_account=budget.billing_account,
            display_name=settings.project,
            # By number: the filter takes no project ids.
            budget_filter=billing.BudgetBudgetFilterArgs(projects=[f"projects/{settings.project_number}"]),
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code=budget.currency, units=str(budget.amount_units)
                )
            ),
            threshold_rules=[
                *(_rule(share, "CURRENT_SPEND") for share in _SPENT_SHARES),
                _rule(_FORECAST_SHARE, "FORECASTED_SPEND"),
            ],
            all_updates_rule=billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=list(routing.channels), disable_default_iam_recipients=False
            ),
        ),
        opts,
    )


def _rule(share: float, basis: str) -> billing.BudgetThresholdRuleArgs:
    return billing.BudgetThresholdRuleArgs(threshold_percent=share, spend_basis=basis)
