"""The trade executor: HTTP intake, ledger, gate, broker."""
