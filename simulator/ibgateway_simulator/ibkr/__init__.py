"""The program that plays IBKR: sessions, orders, the control API."""
