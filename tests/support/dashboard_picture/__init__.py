"""The chart's dashboard, with the data of a real Prometheus that has watched real programs on the cluster.

`record.py` has things happen, and keeps what each panel's own query gives; `python -m dashboard_picture` draws that.
"""
