"""The operator: watches IBGateways, applies their children, writes their conditions."""
