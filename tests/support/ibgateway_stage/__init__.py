"""The stage for demo, end-to-end tests and benchmarks: images, a simulated IBKR, charts, port-forwards.

Everything here talks to a cluster that `ibgateway_cluster` brought up, and to nothing else.
"""
