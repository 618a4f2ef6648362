"""A gateway's weeks in virtual time: the real operator, sentinel and gates, and the simulator's IBKR as the judge."""
