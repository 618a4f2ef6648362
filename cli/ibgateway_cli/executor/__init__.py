"""Commands that talk to a gateway's executor: orders, rebalances, what waits and what is held."""
