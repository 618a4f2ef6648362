"""The connection to the gateway: who is asked, what was proven, what became of the orders."""
