"""Jobs as rows of the ledger and back. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ibgateway_executor.orders.order import (
    Instrument,
    Job,
    JobState,
    OrderType,
    Side,
    Terms,
    TimeInForce,
)

Row = Mapping[str, Any]


def row_of(job: Job, at: datetime) -> dict[str, Any]:
    """The job's columns, without its sequence, key and request hash."""
    return {
        **_terms_row(job.terms),
        "id": job.id,
        "accepted_at": text(job.accepted_at),
        "valid_until": text(job.valid_until),
        "valid_by_default": job.valid_by_default,
        "state": job.state.value,
        "reason": str(job.reason),
        "message": job.message,
        "order_ref": job.order_ref,
        "client_id": job.client_id,
        "order_id": job.order_id,
        "perm_id": job.perm_id,
        "sent_at": job.sent_at and text(job.sent_at),
        "filled": str(job.filled),
        "average_price": None if job.average_price is None else str(job.average_price),
        "cancel_requested": job.cancel_requested,
        "updated_at": text(at),
    }


def _terms_row(terms: Terms) -> dict[str, Any]:
    instrument = terms.instrument
    return {
        "account": terms.account,
        "con_id": instrument.con_id,
        "symbol": instrument.symbol,
        "sec_type": instrument.sec_type,
        "exchange": instrument.exchange,
        "currency": instrument.currency,
        "primary_exchange": instrument.primary_exchange,
        "side": terms.side.value,
        "quantity": terms.quantity,
        "order_type": terms.order_type.value,
        "limit_price": None if terms.limit_price is None else str(terms.limit_price),
        "time_in_force": terms.time_in_force.value,
    }


def job_of(row: Row) -> Job:
    """The job of a row."""
    return Job(
        id=row["id"],
        sequence=row["sequence"],
        terms=_terms_of(row),
        accepted_at=instant(row["accepted_at"]),
        valid_until=instant(row["valid_until"]),
        valid_by_default=row["valid_by_default"],
        state=JobState(row["state"]),
        reason=row["reason"],
        message=row["message"],
        client_id=row["client_id"],
        order_id=row["order_id"],
        perm_id=row["perm_id"],
        sent_at=row["sent_at"] and instant(row["sent_at"]),
        filled=Decimal(row["filled"]),
        average_price=row["average_price"] and Decimal(row["average_price"]),
        cancel_requested=row["cancel_requested"],
        updated_at=instant(row["updated_at"]),
    )


def _terms_of(row: Row) -> Terms:
    return Terms(
        account=row["account"],
        instrument=Instrument(
            con_id=row["con_id"],
            symbol=row["symbol"],
            sec_type=row["sec_type"],
            exchange=row["exchange"],
            currency=row["currency"],
            primary_exchange=row["primary_exchange"],
        ),
        side=Side(row["side"]),
        quantity=row["quantity"],
        order_type=OrderType(row["order_type"]),
        limit_price=row["limit_price"] and Decimal(row["limit_price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
    )


def text(at: datetime) -> str:
    """A time as sortable UTC text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def instant(value: str) -> datetime:
    """The time of such a text."""
    return datetime.fromisoformat(value)
