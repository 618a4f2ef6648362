"""What a rebalance is to trade, and how far one has come: pure values and rules."""
