"""The README's pictures are what their texts say, can be read on any page, and leave no resource out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fakes.plan_environments import plan_of
from fakes.script import load_script
from fakes.workflow import ROOT

FOLDER = ROOT / ".github" / "diagrams"
TEXTS = sorted(FOLDER.glob("*.txt"))
SVG = "{http://www.w3.org/2000/svg}"
# https://www.w3.org/TR/WCAG22/#contrast-minimum
LEAST_CONTRAST = 4.5
each_text = pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)


@pytest.fixture(scope="module")
def drawing() -> Any:
    """Return the script as a module."""
    return load_script(FOLDER / "draw.py")


@each_text
def test_a_picture_is_what_its_text_says(drawing: Any, text: Path) -> None:
    assert text.with_suffix(".svg").read_text() == drawing.draw(drawing.read(text.read_text()))


def test_a_picture_without_its_text_would_be_nobodys() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.svg"))] == [path.stem for path in TEXTS]


@pytest.mark.parametrize("paper", ["README.md"])
def test_every_picture_is_shown_and_described(paper: str) -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(\.github/diagrams/(\w+)\.svg\)", (ROOT / paper).read_text())
    assert sorted(name for _, name in shown) == [path.stem for path in TEXTS]


def luminance(color: str) -> float:
    """Return the relative luminance of #rrggbb."""
    channels = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@each_text
def test_every_word_is_dark_on_a_light_ground_that_covers_the_picture(text: Path) -> None:
    root = ET.parse(text.with_suffix(".svg")).getroot()  # noqa: S314 - our own file
    ground, *boxes = root.findall(f"{SVG}rect")
    assert (ground.get("width"), ground.get("height")) == (root.get("width"), root.get("height"))
    inks = {str(word.get("fill")) for word in root.findall(f"{SVG}text")}
    grounds = {str(rect.get("fill")) for rect in (ground, *boxes)}
    assert inks
    assert all(contrast(ink, fill) >= LEAST_CONTRAST for ink in inks for fill in grounds)


def test_words_wider_than_their_box_are_refused(drawing: Any) -> None:
    picture = drawing.read('title "T"\nbox a 0 0 1 "a box with a title much too long"\n')
    with pytest.raises(ValueError, match="wider"):
        drawing.draw(picture)


def test_a_line_of_no_known_kind_is_refused(drawing: Any) -> None:
    with pytest.raises(ValueError, match="begins no line"):
        drawing.read("circle a 0 0\n")


def test_the_picture_of_stacks_stands_for_every_kind_of_resource_there_is(drawing: Any) -> None:
    picture = drawing.read((FOLDER / "stacks.txt").read_text())
    assert set(picture.stands) == set(picture.boxes)
    drawn = {kind for kinds in picture.stands.values() for kind in kinds}
    plans = [one for environment in ("full", "pulling") for one in plan_of(environment)]
    declared = {one.type for one in plans if not one.type.startswith("exposure:")}
    assert drawn == declared
