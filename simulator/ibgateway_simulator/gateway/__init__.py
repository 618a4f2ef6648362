"""The program that plays IB Gateway under IBC: window, log, ports."""
