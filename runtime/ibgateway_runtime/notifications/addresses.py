"""What the Secret of `spec.notifications` has: addresses, one a line, and the heartbeat's URL. Pure."""

from typing import Final

KEY_URLS: Final = "URLS"
KEY_HEARTBEAT: Final = "HEARTBEAT_URL"


def addresses_in(text: str) -> tuple[str, ...]:
    """The addresses of the key URLS: one a line; empty lines and those that begin with # are skipped.

    Raises ValueError, with no word of the text, where there is none.
    """
    lines = (line.strip() for line in text.splitlines())
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not found:
        raise ValueError(f"the key {KEY_URLS} has no address: one a line, as apprise writes them")
    return found
