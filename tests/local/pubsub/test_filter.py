"""Subscription filters."""

from __future__ import annotations

import pytest

from exposure.local.pubsub.filter import parse_filter
from exposure.local.pubsub.refusal import Refusal

RED = {"color": "red", "size": "10"}
CASES = [
    ("", RED, True),
    ("attributes:color", RED, True),
    ("attributes:shape", RED, False),
    ('attributes.color = "red"', RED, True),
    ('attributes.color="blue"', RED, False),
    ('attributes.color != "blue"', RED, True),
    ('attributes.color != "red"', RED, False),
    ('attributes.shape != "round"', RED, True),
    ('attributes.shape = ""', RED, False),
    ('hasPrefix(attributes.color, "re")', RED, True),
    ('hasPrefix(attributes.color, "ed")', RED, False),
    ('hasPrefix(attributes.shape, "")', RED, False),
    ('NOT attributes.color = "red"', RED, False),
    ("NOT attributes:shape", RED, True),
    ("-attributes:shape", RED, True),
    ('attributes.color = "red" AND attributes.size = "10"', RED, True),
    ('attributes.color = "red" AND attributes.size = "11"', RED, False),
    ('attributes.color = "blue" OR attributes.size = "10"', RED, True),
    ('(attributes.color = "blue" OR attributes.color = "red") AND attributes:size', RED, True),
    ('NOT (attributes.color = "red" OR attributes:shape)', RED, False),
    ('attributes."ce-type" = "a\\"b"', {"ce-type": 'a"b'}, True),
    ('attributes.ce-type = "x"', {"ce-type": "x"}, True),
    ('attributes:"with space"', {"with space": "x"}, True),
]
BROKEN = [
    "attributes",
    "attributes:",
    "attributes.color",
    "attributes.color =",
    "attributes.color = red",
    'attributes.color == "red"',
    'attributes.color ~ "red"',
    'color = "red"',
    "attributes:color AND",
    "attributes:color attributes:size",
    "attributes:a AND attributes:b OR attributes:c",
    "(attributes:color",
    "attributes:color)",
    'hasPrefix(attributes:color, "r")',
    "hasPrefix(attributes.color, r)",
    'attributes.color = "red',
    "NOT",
    "§",
]


@pytest.mark.parametrize(("text", "attributes", "expected"), CASES)
def test_a_filter_passes_the_messages_whose_attributes_meet_it(
    text: str, attributes: dict[str, str], expected: bool
) -> None:
    assert parse_filter(text)(attributes) is expected


@pytest.mark.parametrize("text", BROKEN)
def test_a_filter_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="Invalid filter"):
        parse_filter(text)


def test_a_filter_of_more_than_256_bytes_is_refused() -> None:
    with pytest.raises(Refusal, match="256 bytes"):
        parse_filter(f'attributes.x = "{"y" * 256}"')
