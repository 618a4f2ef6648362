"""What changes something: children, planned stops, drains, the readiness gate, Events."""
