"""IBKR's books against a ledger's orders: what was lost, sent twice, out of order, or is told otherwise."""

from order_judge.judge import AuditVerdict, judge

__all__ = ["AuditVerdict", "judge"]
