"""The dashboard is what Google takes, shows the platform and then each contract, and stays as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG
from fakes.operations_plan import changed, dashboard_of, watch
from fakes.plan_discovery import Source, Walk, schemas
from stacks.tiles import COLUMNS, Row, dashboard, heading, note

SOURCE = Source("monitoring.v1", "Dashboard")


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Any]:
    return dashboard_of(watch(changed("prod", canary=True)))


def tiles(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = document["mosaicLayout"]["tiles"]
    return found


def faults(document: Mapping[str, Any]) -> list[str]:
    walk = Walk(SOURCE, is_strict=True)
    walk.value(document, schemas(SOURCE.document)[SOURCE.schema], "")
    return walk.faults


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def test_the_dashboard_is_what_google_describes(shown: Mapping[str, Any]) -> None:
    assert faults(shown) == []


@pytest.mark.parametrize(
    ("widget", "fault"),
    [
        ({"title": "x", "text": {"content": "x", "format": "MARKDWON"}}, "MARKDWON"),
        ({"title": "x", "txt": {"content": "x"}}, "txt"),
        ({"title": 1}, "is no string"),
    ],
)
def test_a_widget_google_does_not_know_is_found(widget: Mapping[str, Any], fault: str) -> None:
    assert any(fault in said for said in faults(dashboard("Title", [Row(widgets=[widget])])))


def test_nothing_is_written_that_the_server_would_drop(shown: Mapping[str, Any]) -> None:
    defaults = [
        path
        for path, value in leaves(shown)
        if value in (0, "", None, []) or value is False or value in ("ALIGN_NONE", "REDUCE_NONE", "Y1")
    ]
    assert defaults == []


def test_it_shows_in_stored_out_and_money_and_then_each_contract(shown: Mapping[str, Any]) -> None:
    headings = [tile["widget"]["title"] for tile in tiles(shown) if "sectionHeader" in tile["widget"]]
    assert headings == ["In", "Stored", "Out", "Money", *(contract.name for contract in CATALOG)]


def test_it_shows_what_is_left_of_every_objectives_budget(shown: Mapping[str, Any]) -> None:
    cards = [tile["widget"] for tile in tiles(shown) if "scorecard" in tile["widget"]]
    read = {
        card["title"]: card["scorecard"]["timeSeriesQuery"]["timeSeriesFilter"]["filter"] for card in cards
    }
    assert len(read) == 3 * len(CATALOG.contracts)
    assert read["orders: freshness budget left"] == (
        'select_slo_budget_fraction("projects/1/services/s/serviceLevelObjectives/orders-freshness")'
    )


def test_tiles_fill_the_grid_and_none_covers_another(shown: Mapping[str, Any]) -> None:
    places = [(one.get("xPos", 0), one.get("yPos", 0), one["width"], one["height"]) for one in tiles(shown)]
    for left, _, width, height in places:
        assert left + width <= COLUMNS
        assert height > 0
    for (left, top, width, height), (other, below, others_width, others_height) in combinations(places, 2):
        assert (
            left + width <= other
            or other + others_width <= left
            or top + height <= below
            or below + others_height <= top
        )


def test_one_more_contract_adds_its_rows_at_the_end_and_moves_nothing(shown: Mapping[str, Any]) -> None:
    alone = tiles(dashboard_of(watch(changed("prod", canary=True), [CONTRACT])))
    assert tiles(shown)[: len(alone)] == alone
    added = [tile["widget"]["title"] for tile in tiles(shown)[len(alone) :]]
    assert added
    assert all(title.startswith("orders") for title in added)


def test_rows_stand_one_below_the_other_with_equal_widths() -> None:
    rows = [heading("Head"), Row(widgets=[note("a", "x"), note("b", "y")], height=9), heading("Foot")]
    places = [
        {name: value for name, value in tile.items() if name != "widget"}
        for tile in tiles(dashboard("T", rows))
    ]
    assert places == [
        {"width": 48, "height": 4},
        {"yPos": 4, "width": 24, "height": 9},
        {"xPos": 24, "yPos": 4, "width": 24, "height": 9},
        {"yPos": 13, "width": 48, "height": 4},
    ]
