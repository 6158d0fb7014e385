"""What OpenAPI cannot say of parameters together, told to schemathesis, which loads this file by its path.

It finds fault with a refusal of parameters that are each as declared. These rules are of several at once, or
of what a text says, which no schema holds.
"""

from __future__ import annotations

from typing import Any

import schemathesis

_BESIDE_SCHEMAS = {
    "TOO_MANY_FILTERS",
    "WITHOUT_EFFECT",  # a parameter whose subject is not asked for
    "NO_BUCKET",
    "NOT_APPLICABLE",  # an option of another format
    "INVALID_PAGE_TOKEN",  # sealed
}
_GRAMMARS = ("where", ".match")


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Return whether it is a fault; one that is refused for its sum of parameters is none."""
    if response is None or response.status_code not in (400, 414):
        return True
    problem = response.json()
    errors = problem.get("errors", ())
    return problem["code"] != "URI_TOO_LONG" and not any(map(_is_beside_schemas, errors))


def _is_beside_schemas(error: dict[str, Any]) -> bool:
    # Of a list a schema says that no item comes twice, not that no column does, once up and once down.
    is_twin = (error["parameter"], error["code"]) == ("order", "REPEATED")
    return is_twin or error["code"] in _BESIDE_SCHEMAS or error["parameter"].endswith(_GRAMMARS)
