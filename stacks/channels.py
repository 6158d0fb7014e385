"""Who is told: one e-mail channel per address of the stack's settings.

Google sends no proof that an address is read; a person tries each channel once.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import monitoring

from stacks.config import Settings


def declare_channels(settings: Settings, opts: pulumi.ResourceOptions) -> list[pulumi.Output[str]]:
    """Return the channels' ids, which are the full names alerts and budgets refer to."""
    return [
        monitoring.NotificationChannel(
            f"email-{address}",
            monitoring.NotificationChannelArgs(
                type="email",
                display_name=address,
                labels={"email_address": address},
                user_labels=dict(settings.labels),
            ),
            opts,
        ).id
        for address in settings.alerts.emails
    ]
