"""A TWS server that does little: for benches in which the simulator's bookkeeping would be the limit."""

from lean_tws.ledgers import fill_ledger
from lean_tws.process import LeanTws

__all__ = ["LeanTws", "fill_ledger"]
