"""Java's properties syntax, as IBC reads config.ini: pure. The file's bytes are Latin-1.

A backslash escapes the next character, `\\uXXXX` is a character, a backslash at a line's end
continues it. Keys end at the first unescaped `=`, `:` or blank. The last of equal keys wins.
"""

import re
from collections.abc import Iterator

ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse(text: str) -> dict[str, str]:
    """Keys and values of a properties file."""
    return dict(_pair(line) for line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[str]:
    kept = ""
    for raw in re.split("\r\n|\r|\n", text):
        line = raw.lstrip(" \t\f")
        if not kept and (not line or line[0] in "#!"):
            continue
        trailing = len(line) - len(line.rstrip("\\"))
        if trailing % 2:
            kept += line[:-1]
            continue
        yield kept + line
        kept = ""
    if kept:
        yield kept


def _pair(line: str) -> tuple[str, str]:
    at = 0
    while at < len(line) and line[at] not in "=: \t\f":
        at += 2 if line[at] == "\\" else 1
    value = line[at:].lstrip(" \t\f")
    if value[:1] in ("=", ":"):
        value = value[1:].lstrip(" \t\f")
    return _unescaped(line[:at]), _unescaped(value)


def _unescaped(text: str) -> str:
    out: list[str] = []
    chars = iter(range(len(text)))
    for at in chars:
        if text[at] != "\\" or at + 1 == len(text):
            out.append(text[at])
            continue
        following = text[next(chars)]
        if following == "u":
            out.append(chr(int(text[at + 2 : at + 6], 16)))
            for _ in range(4):
                next(chars, None)
        else:
            out.append(ESCAPES.get(following, following))
    return _joined("".join(out))


def _joined(text: str) -> str:
    """Two halves of a character beyond 16 bits are one, as in Java's strings."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
