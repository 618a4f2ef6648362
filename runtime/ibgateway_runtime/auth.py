"""The bearer check of every program that asks for a token. Pure."""

import hmac


def bearer_matches(header: str, token: bytes) -> bool:
    """Whether an Authorization header carries this token, compared in constant time.

    An empty token opens nothing.
    """
    scheme, _, given = header.partition(" ")
    # aiohttp hands on bytes that are no UTF-8 as surrogates.
    same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token)
    return same and scheme.lower() == "bearer" and bool(token)
