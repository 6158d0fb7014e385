"""A Markdown paper's blocks of commands and of programs, by the heading they stand under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: the language it names, its text, and the heading above it."""

    section: str
    language: str
    text: str


def blocks(paper: Path) -> Iterator[Block]:
    """Yield every fenced block in the paper's order."""
    heading, *rest = _HEADING.split(paper.read_text())
    sections = [("", heading), *zip(rest[::2], rest[1::2], strict=True)]
    for section, text in sections:
        for language, body in _FENCED.findall(text):
            yield Block(section, language, body)


def tables(paper: Path, section: str) -> list[list[str]]:
    """Return the cells of each row of the tables in a section, their headers and rules left out."""
    _, *rest = _HEADING.split(paper.read_text())
    text = dict(zip(rest[::2], rest[1::2], strict=True))[section]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    rules = {place for place, row in enumerate(cells) if all(set(cell) <= {"-"} for cell in row)}
    return [row for place, row in enumerate(cells) if place not in rules and place + 1 not in rules]
