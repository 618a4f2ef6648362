"""Looks at this repository itself: what its unit tests cover, and figures of its sources."""
