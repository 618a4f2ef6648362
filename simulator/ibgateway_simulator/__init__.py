"""A stand-in for gnzsnz/ib-gateway that needs no account at Interactive Brokers.

Two programs share this package. `ibkr` is IBKR's side: users, sessions, pushes, one order book,
a control API for tests. `gateway` is what the image's run.sh starts: the login window, IBC's log
lines, its command server and the API port. The models (`orders`, `accounts`, `logins`, `market`)
are pure: time is an argument.
"""
