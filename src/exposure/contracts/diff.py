"""What changed from one version of a contract to the next, and for whom it breaks.

Three parties rely on a contract: who publishes (what was accepted stays accepted), who reads (what was
answered is still answered, in the same shape), and the tables that are there already. A change is
compatible when none of them has to do anything. Nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from exposure.contracts.access import Access
from exposure.contracts.model import Column, Contract, ServiceLevel
from exposure.contracts.types import Array, LogicalType, Object, describe
from exposure.contracts.unbounded import Unbounded, UnboundedQuestions
from exposure.contracts.unknown_fields import UnknownFields


class Impact(IntEnum):
    """How much a change asks of others, from nothing to their work."""

    WORDING = 0
    COMPATIBLE = 1
    BREAKING = 2


@dataclass(frozen=True)
class Change:
    """One difference: `path` is `columns.total`, `retention` and so on; `what` completes a sentence."""

    impact: Impact
    path: str
    what: str


@dataclass(frozen=True)
class Diff:
    """All differences between two declarations of one contract, and whether the version says so."""

    old_version: str
    new_version: str
    changes: tuple[Change, ...]

    @property
    def impact(self) -> Impact:
        """Return the largest impact of all changes."""
        return max((change.impact for change in self.changes), default=Impact.WORDING)

    @property
    def refusal(self) -> str | None:
        """Return why the new declaration must not be released as it is; None when it may.

        A breaking change needs a new major version, a compatible one any later version, wording none.
        """
        old, new = _numbers(self.old_version), _numbers(self.new_version)
        if new < old:
            return f"version {self.new_version} is older than {self.old_version}"
        if self.impact is Impact.BREAKING and new[0] == old[0]:
            return f"a breaking change needs version {old[0] + 1}.0.0, not {self.new_version}"
        if self.impact is Impact.COMPATIBLE and new == old:
            return (
                f"a change needs a version later than {self.old_version}, {old[0]}.{old[1] + 1}.0 for example"
            )
        return None


def compare(old: Contract, new: Contract) -> Diff:
    """Return what changed from the old declaration to the new one."""
    changes = [
        *_identity(old, new),
        *_columns("columns.", old.columns, new.columns),
        *_storage(old, new),
        *_service_level(old.service_level, new.service_level),
        *_unknown_fields(old.unknown_fields, new.unknown_fields),
        *_unbounded(old.unbounded, new.unbounded),
        *_replica(old, new),
        *_max_bytes_billed(old.max_bytes_billed, new.max_bytes_billed),
        *_access(old.access, new.access),
    ]
    ordered = sorted(changes, key=lambda change: -change.impact)
    return Diff(old.version, new.version, tuple(ordered))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _identity(old: Contract, new: Contract) -> Iterator[Change]:
    reasons = {
        "name": "its address and its table are others",
        "topic": "who publishes must publish elsewhere",
        "dataset": "its rows are in another table",
        "key": "another value identifies a row",
        "event_time": "its table is partitioned by another column",
    }
    for part, reason in reasons.items():
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            yield Change(Impact.BREAKING, part, f"was '{before}' and is '{after}': {reason}")
    for part in ("description", "owner"):
        if getattr(old, part) != getattr(new, part):
            yield Change(Impact.WORDING, part, "was reworded")


def _columns(prefix: str, old: tuple[Column, ...], new: tuple[Column, ...]) -> Iterator[Change]:
    before, after = {one.name: one for one in old}, {one.name: one for one in new}
    for name, column in before.items():
        path = prefix + name
        if name in after:
            yield from _column(path, column, after[name])
        else:
            yield Change(Impact.BREAKING, path, "was removed: who reads it finds nothing")
    for name, column in after.items():
        if name not in before:
            yield _added(prefix + name, column)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield Change(Impact.COMPATIBLE, prefix.rstrip("."), "stand in another order")


def _added(path: str, column: Column) -> Change:
    if column.nullable or isinstance(column.type, Array):
        return Change(Impact.COMPATIBLE, path, f"was added, {describe(column.type)}, and may be absent")
    return Change(Impact.BREAKING, path, "was added and is required: what is published today lacks it")


def _column(path: str, old: Column, new: Column) -> Iterator[Change]:
    yield from _type(path, old.type, new.type)
    if old.nullable and not new.nullable:
        yield Change(Impact.BREAKING, path, "is now required: what was published without it is refused")
    if new.nullable and not old.nullable:
        yield Change(Impact.BREAKING, path, "may now be null: who reads it was promised a value")
    yield from _asked_by(path, old, new)
    if (old.description, old.example) != (new.description, new.example):
        yield Change(Impact.WORDING, path, "is described differently")


def _asked_by(path: str, old: Column, new: Column) -> Iterator[Change]:
    """Tell what can no longer, or can now, be asked of a column."""
    before, after = ({one.name: one.type for one in column.members} for column in (old, new))
    for name in [name for name, kind in before.items() if after.get(name) != kind]:
        yield Change(Impact.BREAKING, f"{path}.{name}", "is a member no more: filters by it are refused")
    for name in after.keys() - before.keys():
        yield Change(Impact.COMPATIBLE, f"{path}.{name}", "was declared as a member")
    if old.matchable != new.matchable:
        impact = Impact.BREAKING if old.matchable else Impact.COMPATIBLE
        yield Change(impact, path, "can no longer be matched" if old.matchable else "can now be matched")


def _type(path: str, old: LogicalType, new: LogicalType) -> Iterator[Change]:
    if isinstance(old, Object) and isinstance(new, Object):
        yield from _columns(f"{path}.", old.fields, new.fields)
    elif isinstance(old, Array) and isinstance(new, Array):
        yield from _type(f"{path}[]", old.of, new.of)
    elif old != new:
        yield Change(Impact.BREAKING, path, f"was {describe(old)} and is {describe(new)}")


def _storage(old: Contract, new: Contract) -> Iterator[Change]:
    if old.clustered_by != new.clustered_by:
        yield Change(Impact.COMPATIBLE, "clustered_by", "changed: questions may cost more, or less")
    if old.retention == new.retention:
        return
    is_shorter = new.retention is not None and (old.retention is None or new.retention < old.retention)
    before = "for ever" if old.retention is None else f"{old.retention.days} days"
    after = "for ever" if new.retention is None else f"{new.retention.days} days"
    impact = Impact.BREAKING if is_shorter else Impact.COMPATIBLE
    yield Change(impact, "retention", f"was {before} and is {after}")


# A promise is weaker when such a number is smaller, or when such a bound is longer.
_GOALS = ("availability_goal", "latency_goal", "freshness_goal")
_BOUNDS = ("latency", "freshness")


def _service_level(old: ServiceLevel, new: ServiceLevel) -> Iterator[Change]:
    for part in (*_GOALS, *_BOUNDS):
        before, after = getattr(old, part), getattr(new, part)
        if before == after:
            continue
        is_weaker = after < before if part in _GOALS else after > before
        impact = Impact.BREAKING if is_weaker else Impact.COMPATIBLE
        comparison = "promises less than" if is_weaker else "promises more than"
        yield Change(impact, f"service_level.{part}", f"is {after}, which {comparison} {before}")


def _unknown_fields(old: UnknownFields, new: UnknownFields) -> Iterator[Change]:
    if old is new:
        return
    what = f"was {old} and is {new}"
    if new is UnknownFields.REJECT:
        yield Change(Impact.BREAKING, "unknown_fields", f"{what}: messages accepted today are refused")
    elif old is UnknownFields.KEEP:
        yield Change(Impact.BREAKING, "unknown_fields", f"{what}: fields in _extra are no longer kept")
    else:
        yield Change(Impact.COMPATIBLE, "unknown_fields", what)


def _unbounded(old: UnboundedQuestions, new: UnboundedQuestions) -> Iterator[Change]:
    if old == new:
        return
    impact = Impact.BREAKING if _answered(new) < _answered(old) else Impact.COMPATIBLE
    what = f"was {_named(old)} and is {_named(new)}: questions without a bound mean other rows"
    yield Change(impact, "unbounded", what)


def _replica(old: Contract, new: Contract) -> Iterator[Change]:
    if old.replica != new.replica:
        what = f"was {old.replica or 'none'} and is {new.replica or 'none'}: answers take other times"
        yield Change(Impact.COMPATIBLE, "replica", what)


def _answered(unbounded: UnboundedQuestions) -> timedelta:
    """Return how far back a question reaches that has no bound."""
    if isinstance(unbounded, timedelta):
        return unbounded
    return timedelta.max if unbounded is Unbounded.ALLOW else timedelta(0)


def _named(unbounded: UnboundedQuestions) -> str:
    return f"{unbounded.days} days" if isinstance(unbounded, timedelta) else unbounded.value


def _max_bytes_billed(old: int | None, new: int | None) -> Iterator[Change]:
    if old == new:
        return
    is_less = new is not None and (old is None or new < old)
    what = "is less: questions answered today may be refused" if is_less else "is more"
    yield Change(Impact.BREAKING if is_less else Impact.COMPATIBLE, "max_bytes_billed", what)


def _access(old: Access, new: Access) -> Iterator[Change]:
    """Tell whether somebody may see less: the first grant that fits a caller decides, so order counts."""
    if old.grants == new.grants:
        return
    if new.grants[: len(old.grants)] == old.grants:
        yield Change(Impact.COMPATIBLE, "access", "grants more callers something")
    else:
        yield Change(Impact.BREAKING, "access", "grants changed: somebody may see less than before")
