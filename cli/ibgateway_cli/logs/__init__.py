"""Logs of several containers, and whose they are."""
