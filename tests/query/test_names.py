from __future__ import annotations

import pytest

from exposure.contracts import orders
from fakes.parsing import error

ORDERS = orders.CONTRACT


def test_a_bare_column_is_refused_with_the_filter_that_was_probably_meant() -> None:
    refused = error(("total", "5"))
    assert (refused.code, refused.suggestion) == ("MISSING_OPERATOR", "total.eq")


@pytest.mark.parametrize(
    ("name", "code", "suggestion"),
    [
        ("totl.gt", "UNKNOWN_COLUMN", "total.gt"),
        ("zzzzzz.gt", "UNKNOWN_COLUMN", None),
        (".eq", "UNKNOWN_COLUMN", None),
        ("total.gtt", "UNKNOWN_OPERATOR", "total.gt"),
        ("total.", "UNKNOWN_OPERATOR", "total.lt"),
        ("total.GT", "UNKNOWN_OPERATOR", None),
        ("TOTAL.gt", "UNKNOWN_COLUMN", None),
        ("total__gt", "UNKNOWN_PARAMETER", "total.gt"),
        ("pagesize", "UNKNOWN_PARAMETER", "page_size"),
        ("limit", "UNKNOWN_PARAMETER", "page_size"),
        ("sort", "UNKNOWN_PARAMETER", "order"),
        ("fields", "UNKNOWN_PARAMETER", "select"),
        ("offset", "UNKNOWN_PARAMETER", "page_token"),
        ("", "UNKNOWN_PARAMETER", None),
        ("PAGE_SIZE", "UNKNOWN_PARAMETER", None),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_nearest_that_does(
    name: str, code: str, suggestion: str | None
) -> None:
    refused = error((name, "1"))
    assert refused.code == code
    assert refused.allowed
    if suggestion:
        assert (refused.suggestion or "").split(".")[0] == suggestion.split(".")[0]
    if suggestion and code != "UNKNOWN_OPERATOR":
        assert refused.suggestion == suggestion


def test_everything_allowed_is_listed_and_allowed_indeed() -> None:
    allowed = error(("nosuch", "1")).allowed
    assert allowed[:4] == ("select", "order", "page_size", "page_token")
    for name in allowed[4:]:
        assert error((name, "")).code == "EMPTY_VALUE"


def test_a_name_is_quoted_without_what_could_disturb_a_terminal_or_a_log() -> None:
    refused = error(("a\x1b[31m\r\nb\udcff", "1"))
    assert refused.parameter == "a�[31m��b�"
    assert refused.message.isprintable()
    assert len(error(("x" * 5000, "1")).message) < 300
