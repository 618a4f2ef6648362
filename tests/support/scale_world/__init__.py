"""A thousand gateways without a node: a real API server, pods by a pretended kubelet, sentinels by one process."""
