"""`kubectl ibgateway status --watch` as a moving picture: a gateway from its installation through an approved push to its first fills.

`record.py` looks at a real one on the cluster and keeps what it has seen; `python -m moving_picture` draws that.
"""
