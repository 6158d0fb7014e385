"""The values of one statement: bound to names, never written into its text."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.contracts.types import Scalar


@dataclass(frozen=True)
class Parameter:
    """One bound value. `is_array` says that `value` is a tuple of values of `type`."""

    name: str
    type: Scalar
    value: object
    is_array: bool = False


class Bindings:
    """Collects the values while a statement is written; one instance per statement."""

    def __init__(self) -> None:
        self._parameters: list[Parameter] = []

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return what has been bound, in the order it was."""
        return tuple(self._parameters)

    def bind(self, scalar: Scalar, value: object, *, name: str = "", is_array: bool = False) -> str:
        """Bind a value and return its name, a numbered one unless one is given."""
        name = name or f"p{len(self._parameters)}"
        self._parameters.append(Parameter(name, scalar, value, is_array))
        return name
