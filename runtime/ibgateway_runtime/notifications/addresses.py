"""What the Secret of `spec.notifications` has: addresses, one a line, and the heartbeat's URL. Pure."""

from ibgateway_api import names


def addresses_in(text: str) -> tuple[str, ...]:
    """The addresses of the key URLS: one a line; empty lines and those that begin with # are skipped.

    Raises ValueError, with no word of the text, where there is none.
    """
    lines = (line.strip() for line in text.splitlines())
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not found:
        raise ValueError(
            f"the key {names.SECRET_URLS} has no address: one a line, as apprise writes them"
        )
    return found
