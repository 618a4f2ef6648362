"""IBKR's side as values and rules: users, logins, accounts, orders, market. Pure."""
