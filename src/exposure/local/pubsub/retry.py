"""When a message that failed is tried again, and when it has been tried often enough."""

from __future__ import annotations

from typing import Any

_DOUBLINGS = 30


def backoff_seconds(subscription: Any, attempts: int) -> float:
    """Return how long a message waits after its failure number `attempts`; 0 without a retry policy.

    The first wait is the policy's minimum, each further one is twice as long, none exceeds its maximum.
    """
    if not subscription.HasField("retry_policy"):
        return 0.0
    policy = subscription.retry_policy
    least = policy.minimum_backoff.ToTimedelta().total_seconds()
    most = policy.maximum_backoff.ToTimedelta().total_seconds()
    return float(min(most, least * 2 ** min(attempts - 1, _DOUBLINGS)))


def is_used_up(dead_letter_policy: Any, attempts: int) -> bool:
    """Tell whether the policy, if there is one, gives up on a message with so many failures."""
    topic = dead_letter_policy.dead_letter_topic
    return bool(topic) and attempts >= dead_letter_policy.max_delivery_attempts
