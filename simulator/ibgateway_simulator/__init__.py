"""A stand-in for gnzsnz/ib-gateway that needs no account at Interactive Brokers.

Two programs share this package. `ibkr` is IBKR's side: users, sessions, pushes, one order book,
a control API for tests. `gateway` is what the image's run.sh starts: the login window, IBC's log
lines, its command server and the API port. Both stand on `tws`, the text protocol of the TWS API, and
on `model`, IBKR's side as values and rules. Time and randomness are arguments; they enter in
`ibkr.server` and `gateway.process`, where each program is put together.
"""
