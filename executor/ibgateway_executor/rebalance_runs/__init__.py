"""Rebalances that run: what is asked of the broker for them, their orders, their report."""
