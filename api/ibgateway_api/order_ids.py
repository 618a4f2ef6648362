"""Ids of orders and rebalances: they derive from the Idempotency-Key, so that whoever has the key can look whether it is stored."""

import hashlib


def order_uid(key: str, *, gateway: str, namespace: str) -> str:
    """The order's id, derived from its Idempotency-Key: a lost ledger makes the same one again."""
    return hashlib.sha256(f"{namespace}/{gateway}/{key}".encode()).hexdigest()[:24]


def rebalance_uid(key: str, *, gateway: str, namespace: str) -> str:
    """The rebalance's id, derived in the same way."""
    return order_uid(rebalance_key(key), gateway=gateway, namespace=namespace)


def rebalance_key(key: str) -> str:
    """What the id of a rebalance is made of: no order of the same key has the same id."""
    return f"rebalance/{key}"
