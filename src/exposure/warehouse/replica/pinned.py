"""Questions about the rows there were at one moment, as the pages of a walk are.

A replica knows which of its rows had arrived by each of its readings, and by no other moment. The moment is
the source's own, so that whoever reads the source behind it goes on at the same one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Snapshot
from exposure.warehouse.replica.copy import Copy

Question = TypeVar("Question", bound=Query | Aggregation)


def moment_of(copy: Copy, question: Query | Aggregation) -> Snapshot:
    """Return the moment the answer is of: the question's own, or that of the copy's last reading."""
    return question.snapshot or copy.moment


def pinned(copy: Copy, query: Query) -> Query:
    """Return the query of a moment: that of the last reading, unless it has one.

    Its rows may be in the table before the copy is of the moment they came with.
    """
    return replace(query, snapshot=moment_of(copy, query))


def is_known(copy: Copy, question: Query | Aggregation) -> bool:
    """Return whether the copy knows the rows of the question's moment."""
    return question.snapshot is None or copy.arrived_by(question.snapshot) is not None


def numbered(copy: Copy, question: Question) -> Question:
    """Return the question as the copy's table is asked: up to the last row that had arrived by its moment."""
    moment = question.snapshot
    if moment is None:
        return question
    return replace(question, snapshot=replace(moment, rows=copy.arrived_by(moment)))
