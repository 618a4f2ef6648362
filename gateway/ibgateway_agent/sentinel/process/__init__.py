"""Ending the gateway's process."""
