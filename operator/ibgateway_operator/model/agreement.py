"""Whether a stored object says everything that a manifest says. Pure.

What the API server fills in by itself may be more. A restarted operator asks this before it writes, so
that nothing is applied that stands already.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?)(m|k|[KMGTPE]i?|)")
_FACTORS: Final = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000)} | {
    letter + binary: Decimal(1024 if binary else 1000) ** power
    for power, letter in enumerate("KMGTPE", start=1)
    for binary in ("", "i")
}


def agrees(stored: Any, wanted: Any) -> bool:
    """Whether every value of `wanted` is in `stored`, in maps by name and in lists by place.

    An empty value may be left out by the server, and a quantity may be written in another way.
    """
    if isinstance(wanted, Mapping):
        return isinstance(stored, Mapping) and all(
            agrees(stored[name], value) if name in stored else _is_empty(value)
            for name, value in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            isinstance(stored, Sequence)
            and not isinstance(stored, str)
            and len(stored) == len(wanted)
            and all(agrees(theirs, ours) for theirs, ours in zip(stored, wanted, strict=True))
        )
    return bool(stored == wanted) or _same_quantity(stored, wanted)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {}, ())


def _same_quantity(stored: Any, wanted: Any) -> bool:
    one, other = _quantity(stored), _quantity(wanted)
    return one is not None and one == other


def _quantity(value: Any) -> Decimal | None:
    """A resource quantity as a number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    parts = _QUANTITY.fullmatch(str(value))
    return Decimal(parts[1]) * _FACTORS[parts[2]] if parts else None
