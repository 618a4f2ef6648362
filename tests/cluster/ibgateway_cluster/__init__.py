"""Brings up a real Kubernetes cluster with kind, with or without a Docker engine on the machine.

Tests use `Cluster`; people use `python -m ibgateway_cluster` (see `cli.py`).
"""

from ibgateway_cluster.cluster import AuditEvent, Cluster
from ibgateway_cluster.errors import ClusterToolError

__all__ = ["AuditEvent", "Cluster", "ClusterToolError"]
