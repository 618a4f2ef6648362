"""Rows of rebalances, within a transaction. What one is made of is one JSON document; nothing is rounded."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, func, insert, select, update

from ibgateway_executor.errors import IllegalMoveError, OrderRefusedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.history import add_rebalance_line
from ibgateway_executor.ledger.store import RebalanceChange, RebalanceMove
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.rebalance.progress import ENDED, RebalanceRun, RebalanceState

_documents: Final = TypeAdapter(RebalanceRun)
_rows: Final = tables.rebalances.c
_ALWAYS: Final = ("id", "sequence", "account", "accepted_at", "valid_until", "state")
"""Fields that every version has written."""
_ACTIVE: Final = tuple(state.value for state in RebalanceState if state not in ENDED)


def add(
    connection: Connection, key: str, request_hash: str, run: RebalanceRun, at: datetime
) -> tuple[RebalanceRun, bool]:
    """The stored one, and whether it is new: not where the request came again. OrderRefusedError for a key of another request, and
    where the account has one that has not ended."""
    mine = connection.execute(
        select(_rows.request_hash, _rows.document).where(_rows.idempotency_key == key)
    ).one_or_none()
    if mine is not None:
        if mine.request_hash != request_hash:
            raise OrderRefusedError(
                422,
                "IdempotencyKeyReused",
                "this Idempotency-Key belongs to another rebalance: a new decision needs a key of its own",
            )
        return _run(mine.document), False
    active = select(_rows.document).where((_rows.account == run.account) & _rows.state.in_(_ACTIVE))
    standing = connection.execute(active).scalar_one_or_none()
    if standing is not None:
        raise _in_the_way(_run(standing))
    inserted = connection.execute(
        insert(tables.rebalances).values(
            id=run.id,
            idempotency_key=key,
            request_hash=request_hash,
            **_values(run),
        )
    )
    (sequence,) = inserted.inserted_primary_key or (0,)
    stored = _write(connection, replace(run, sequence=sequence, state_since=at), at)
    add_rebalance_line(connection, None, stored, ChangeCause.CLIENT, at)
    return stored, True


def advance(
    connection: Connection, run_id: str, step: RebalanceMove, cause: ChangeCause, at: datetime
) -> RebalanceChange:
    """The rebalance after the step, with a line of its history; as it is where its state forbids the step."""
    before = find(connection, run_id)
    if before is None:
        raise IllegalMoveError(f"there is no rebalance {run_id}")
    try:
        after = step(before)
    except IllegalMoveError:
        return RebalanceChange(before, before)
    if after == before:
        return RebalanceChange(before, before)
    since = before.state_since if after.state is before.state else at
    written = _write(connection, replace(after, state_since=since), at)
    add_rebalance_line(connection, before, written, cause, at)
    return RebalanceChange(before, written)


def find(connection: Connection, run_id: str) -> RebalanceRun | None:
    """One by its id."""
    found = connection.execute(
        select(_rows.document).where(_rows.id == run_id)
    ).scalar_one_or_none()
    return None if found is None else _run(found)


def page(connection: Connection, *, after: int, limit: int) -> list[RebalanceRun]:
    """Those accepted after sequence `after`, oldest first."""
    query = select(_rows.document).where(_rows.sequence > after)
    found = connection.execute(query.order_by(_rows.sequence).limit(limit))
    return [_run(document) for document in found.scalars()]


def active(connection: Connection) -> list[RebalanceRun]:
    """Those that have not ended, oldest first."""
    query = select(_rows.document).where(_rows.state.in_(_ACTIVE)).order_by(_rows.sequence)
    return [_run(document) for document in connection.execute(query).scalars()]


def last_of_accounts(connection: Connection) -> list[RebalanceRun]:
    """The last one of each account, ended or not."""
    last = select(func.max(_rows.sequence)).group_by(_rows.account)
    query = select(_rows.document).where(_rows.sequence.in_(last))
    return [_run(document) for document in connection.execute(query).scalars()]


def _in_the_way(standing: RebalanceRun) -> OrderRefusedError:
    return OrderRefusedError(
        409,
        "RebalanceActive",
        f"{standing.account} has the rebalance {standing.id}, which is {standing.state}: wait for its end or DELETE it, then send this "
        "one again, with the same key",
        rebalance=standing.id,
    )


def _write(connection: Connection, run: RebalanceRun, at: datetime) -> RebalanceRun:
    written = replace(run, updated_at=at)
    change = update(tables.rebalances).where(_rows.id == run.id)
    connection.execute(change.values(**_values(written)))
    return written


def _values(run: RebalanceRun) -> dict[str, Any]:
    return {
        "account": run.account,
        "state": run.state.value,
        "document": _documents.dump_json(run).decode(),
    }


def _run(document: str) -> RebalanceRun:
    try:
        return _documents.validate_json(document)
    except ValidationError:
        return _remnant(document)


def _remnant(document: str) -> RebalanceRun:
    """What is left of one that this version can't read: enough to end it, without holding up the others.

    Its request is no request any more, but has all of the document in it. ValidationError where it isn't even told which it was.
    """
    told = json.loads(document)
    kept = {name: told.get(name) for name in _ALWAYS}
    return _documents.validate_python({**kept, "request": json.dumps({"unreadable": told})})
