"""Decimals as the type `decimal` holds them: exact, with all their digits behind the point."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

from exposure.contracts.types import DECIMAL_PRECISION, DECIMAL_SCALE

_EXACT = Context(prec=DECIMAL_PRECISION, traps=[InvalidOperation, Inexact])
_STEP = Decimal(1).scaleb(-DECIMAL_SCALE)


def exact_decimal(text: str) -> Decimal:
    """Return the number a text writes; raises ArithmeticError where a digit would be lost."""
    return _EXACT.quantize(_EXACT.create_decimal(text), _STEP)
