"""Numbers as Grafana writes them, by a panel's unit."""

from datetime import UTC, datetime
from math import floor, log10
from typing import Final

_STEPS: Final = (1, 2, 2.5, 5, 10)
_BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def told(value: float, unit: str) -> str:
    """A value with its unit."""
    match unit:
        case "s":
            return _seconds(value)
        case "percentunit":
            return f"{_short(value * 100)}%"
        case "bytes":
            return _bytes(value)
        case "ops" | "reqps":
            return f"{_short(value)}/s"
        case "dateTimeAsLocal":
            return f"{datetime.fromtimestamp(value / 1000, UTC):%b %d %H:%M}"
        case _:
            return _short(value)


def _seconds(value: float) -> str:
    if value and abs(value) < 1:
        return f"{_short(value * 1000)} ms"
    if abs(value) >= 120:
        return f"{_short(value / 60)} min"
    return f"{_short(value)} s"


def _bytes(value: float) -> str:
    power = 0
    while abs(value) >= 1024 and power < len(_BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{_short(value)} {_BINARY[power]}"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers that cover what is between, both ends too."""
    span = (high - low) or abs(high) or 1.0
    size = 10 ** floor(log10(span / most))
    step = next(size * part for part in _STEPS if span / (size * part) <= most)
    first = floor(low / step)
    found = [first * step]
    while found[-1] < high - step * 1e-9:
        found.append((first + len(found)) * step)
    return found if len(found) > 1 else [found[0], found[0] + step]
