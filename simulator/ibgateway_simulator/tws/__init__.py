"""The TWS API protocol: framing, requests, messages."""
