"""Draws the README's pictures: `<name>.txt` beside this file becomes `<name>.svg`, always the same bytes.

`python .github/diagrams/draw.py`, or `make diagrams`; needs nothing but Python. A line of a picture is one of

    title TEXT
    box NAME COLUMN ROW SPAN TITLE [LINE …]      SPAN columns wide
    arrow FROM TO [LABEL]                        along one row, or up and down
    dashed FROM TO [LABEL]                       the same, for what happens seldom
    stands NAME KIND …                           which resources a box stands for; not drawn

with words of several words in quotation marks. Each picture has an opaque ground of its own, so it reads the
same on a white page and on a dark one. It does not arrange: columns and rows are the writer's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, GAP_X, GAP_Y, MARGIN, LINE = 156, 74, 46, 24, 17
# Ground, box and ink: dark on light, whatever the page's own colours are.
GROUND, FILL, EDGE, INK, QUIET = "#f6f8fa", "#ffffff", "#57606a", "#1f2328", "#424a53"
# How wide a character may be, in pixels, at the size it is written in: an upper bound for sans-serif fonts.
TITLE_ADVANCE, LINE_ADVANCE, LABEL_ADVANCE = 8.3, 6.9, 6.4

_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{EDGE}"/></marker></defs>'
)


@dataclass(frozen=True)
class Box:
    """A box of the grid."""

    name: str
    column: int
    row: int
    span: int
    title: str
    lines: tuple[str, ...]

    @property
    def left(self) -> int:
        """Return where it begins, in pixels."""
        return MARGIN + self.column * (WIDTH + GAP_X)

    @property
    def width(self) -> int:
        """Return its width in pixels."""
        return self.span * WIDTH + (self.span - 1) * GAP_X

    @property
    def height(self) -> int:
        """Return its height in pixels."""
        return 34 + LINE * len(self.lines)


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes."""

    start: str
    end: str
    label: str
    dashed: bool


@dataclass
class Picture:
    """A picture as it is written. `stands` says which kinds of resources a box stands for."""

    title: str = ""
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    stands: dict[str, list[str]] = field(default_factory=dict)

    def top(self, box: Box) -> int:
        """Return where the box's row begins, in pixels."""
        above = ([box.height for box in self.boxes.values() if box.row == row] for row in range(box.row))
        heights = [max(heights, default=0) for heights in above]
        return MARGIN + 34 + sum(heights) + GAP_Y * box.row


def read(text: str) -> Picture:
    """Return the picture of a text; ValueError for a line that is none of the known ones."""
    picture = Picture()
    for line in text.splitlines():
        word, *rest = shlex.split(line, comments=True) or [""]
        if word == "title":
            (picture.title,) = rest
        elif word == "box":
            name, column, row, span, title, *lines = rest
            picture.boxes[name] = Box(name, int(column), int(row), int(span), title, tuple(lines))
        elif word in {"arrow", "dashed"}:
            picture.arrows.append(Arrow(rest[0], rest[1], " ".join(rest[2:]), word == "dashed"))
        elif word == "stands":
            picture.stands[rest[0]] = rest[1:]
        elif word:
            raise ValueError(f"'{word}' begins no line of a picture")
    return picture


def draw(picture: Picture) -> str:
    """Return the picture as SVG."""
    boxes = picture.boxes.values()
    width = max(box.left + box.width for box in boxes) + MARGIN
    height = max(picture.top(box) + box.height for box in boxes) + MARGIN
    title = escape(picture.title)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{title}" font-family="sans-serif">'
    )
    lines = [
        frame,
        f"<title>{title}</title>",
        _HEAD,
        f'<rect width="{width}" height="{height}" rx="10" fill="{GROUND}"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 12}" font-size="16" font-weight="bold" fill="{INK}">{title}</text>',
        *(line for arrow in picture.arrows for line in _arrow(picture, arrow)),
        *(line for box in boxes for line in _box(picture, box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(picture: Picture, box: Box) -> Iterator[str]:
    top, middle = picture.top(box), box.left + box.width // 2
    widest = max([len(box.title) * TITLE_ADVANCE, *(len(line) * LINE_ADVANCE for line in box.lines)])
    if widest > box.width - 8:
        raise ValueError(f"the words of box {box.name} are wider than it")
    yield (
        f'<rect x="{box.left}" y="{top}" width="{box.width}" height="{box.height}" rx="6" fill="{FILL}" '
        f'stroke="{EDGE}" stroke-width="1.5"/>'
    )
    yield _text(middle, top + 22, 14, INK, box.title, ' font-weight="bold"')
    for number, line in enumerate(box.lines):
        yield _text(middle, top + 40 + LINE * number, 12, QUIET, line)


def _arrow(picture: Picture, arrow: Arrow) -> Iterator[str]:
    start, end = picture.boxes[arrow.start], picture.boxes[arrow.end]
    if start.row == end.row:
        x1, x2 = (
            (start.left + start.width, end.left)
            if start.left < end.left
            else (start.left, end.left + end.width)
        )
        y1 = y2 = picture.top(start) + min(start.height, end.height) // 2
        x, y = (x1 + x2) // 2, y1 - 6
        if len(arrow.label) * LABEL_ADVANCE > abs(x1 - x2):
            raise ValueError(f"'{arrow.label}' does not fit between {arrow.start} and {arrow.end}")
        label = _text(x, y, 11, QUIET, arrow.label)
    else:
        # Straight up or down, through the middle of the narrower box.
        narrow = min(start, end, key=lambda box: box.width)
        x1 = x2 = narrow.left + narrow.width // 2
        is_down = start.row < end.row
        y1 = picture.top(start) + (start.height if is_down else 0)
        y2 = picture.top(end) + (0 if is_down else end.height)
        label = _text(x1 + 8, (y1 + y2) // 2 + 4, 11, QUIET, arrow.label, ' text-anchor="start"')
    dashes = ' stroke-dasharray="5 4"' if arrow.dashed else ""
    yield (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{EDGE}" stroke-width="1.5"{dashes} '
        'marker-end="url(#head)"/>'
    )
    if arrow.label:
        yield label


def _text(x: int, y: int, size: int, color: str, words: str, more: str = "") -> str:
    anchor = "" if "text-anchor" in more else ' text-anchor="middle"'
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}"{anchor}{more}>{escape(words)}</text>'


def main() -> None:
    """Draw every picture anew."""
    for path in sorted(HERE.glob("*.txt")):
        path.with_suffix(".svg").write_text(draw(read(path.read_text())))


if __name__ == "__main__":
    main()
