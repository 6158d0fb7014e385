"""What the API's replicas need: memory of its own for each, and CPU between requests to follow the table.

Which contracts have one is said by the contracts; here the service's memory is shared out among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from exposure.contracts.model import Contract

_MIB = 2**20
# What the API takes without replicas and kept answers: itself, and answers in the making.
_WITHOUT_MIB = 256
_LEAST_MIB = 64
# What a replica takes at most, as a multiple of what it holds: while it is loaded again.
_TIMES = 3


def replica_bytes(memory: str, catalog: Iterable[Contract], kept_bytes: int) -> int | None:
    """Return what one replica may take of an instance's memory, None when no contract has one.

    Loading one again takes twice as much beside it; kept answers take `kept_bytes`. Raises ValueError, with
    the memory to ask for, when there is too little.
    """
    replicas = sum(contract.replica is not None for contract in catalog)
    mebibytes = int(memory[:-2]) * (1024 if memory.endswith("Gi") else 1)
    taken = _WITHOUT_MIB + math.ceil(kept_bytes / _MIB)
    least = taken + _TIMES * replicas * _LEAST_MIB
    if mebibytes < least:
        raise ValueError(
            f"api.memory of {memory} is too little for {replicas} replicas and kept answers of {kept_bytes} "
            f"bytes: {least}Mi is the least, or a lower kept_answers.cache_bytes"
        )
    return (mebibytes - taken) // (_TIMES * replicas) * _MIB if replicas else None
