"""Whatever fails and whenever: a row is stored, or named as refused, or its append raised."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.warehouse.port import WarehouseError, WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_limits import WriteLimits
from fakes.write_answers import SCHEMA_MISMATCH
from fakes.write_faults import Break, Drop, Fault, Fine, Judge, Refuse, Silence
from fakes.write_scene import Scene, writing

Code = grpc.StatusCode
_CODES = st.sampled_from(
    [Code.ABORTED, Code.UNAVAILABLE, Code.INTERNAL, Code.RESOURCE_EXHAUSTED, Code.NOT_FOUND, Code.UNKNOWN]
)
_STORED = st.booleans()
_FAULTS = st.one_of(
    st.just(Fine()),
    st.builds(Fine, st.just(0.001), st.booleans()),
    st.builds(Refuse, _CODES),
    st.just(Refuse(Code.INVALID_ARGUMENT, SCHEMA_MISMATCH)),
    st.builds(Break, _CODES, _STORED),
    st.builds(Silence, _STORED),
    st.builds(Drop, _STORED),
)
_BATCHES = st.lists(st.lists(st.booleans(), min_size=1, max_size=12), min_size=1, max_size=12)
_LIMITS = st.builds(
    WriteLimits,
    in_flight=st.integers(1, 4),
    request_bytes=st.sampled_from([300, 9_000_000]),
)
_IS_BAD = "-bad"


@dataclasses.dataclass(frozen=True)
class Call:
    """One append: the rows' names, and what came of it."""

    names: Sequence[str]
    answer: dict[int, str] | WarehouseError


async def _call(scene: Scene, number: int, batch: Sequence[bool]) -> Call:
    names = [f"{number}-{row}{_IS_BAD if bad else ''}" for row, bad in enumerate(batch)]
    try:
        return Call(names, await scene.append(*names))
    except (WarehouseUnavailable, WarehouseMisconfigured) as error:
        return Call(names, error)


@given(
    batches=_BATCHES,
    faults=st.lists(_FAULTS, max_size=12),
    limits=_LIMITS,
    named=st.sampled_from([None, 1, 0]),
    ends_stream=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_each_row_is_stored_or_refused_by_name_or_its_append_raised(
    batches: list[list[bool]], faults: list[Fault], limits: WriteLimits, named: int | None, ends_stream: bool
) -> None:
    if any(isinstance(fault, Silence) for fault in faults):
        limits = dataclasses.replace(limits, answer_timeout=timedelta(milliseconds=30))
    async with writing(limits) as scene:
        scene.server.judge = Judge(
            lambda row: f"{row['order_id']}!" if row["order_id"].endswith(_IS_BAD) else "",
            named,
            ends_stream and named == 0,
        )
        scene.server.faults.extend(faults)
        calls = await asyncio.gather(*(_call(scene, *numbered) for numbered in enumerate(batches)))
        stored = Counter(scene.stored())
    for call in calls:
        if isinstance(call.answer, WarehouseError):
            continue
        bad = {index for index, name in enumerate(call.names) if name.endswith(_IS_BAD)}
        assert set(call.answer) == bad
        if named != 0:
            assert all(call.answer[index] == f"{call.names[index]}!" for index in bad)
        assert all(stored[name] for index, name in enumerate(call.names) if index not in bad)
    assert not any(str(name).endswith(_IS_BAD) for name in stored)
    if not any(getattr(fault, "stored", False) or isinstance(fault, Silence | Drop) for fault in faults):
        assert all(count == 1 for count in stored.values())
