"""The ledger: every order on disk before it is answered or sent."""
