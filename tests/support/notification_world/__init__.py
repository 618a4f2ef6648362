"""Receivers of messages on loopback: ntfy's protocol, a webhook, SMTP; and what they may do wrong."""

from notification_world.receivers import Received, Receiver, ntfy, smtp, webhook

__all__ = ["Received", "Receiver", "ntfy", "smtp", "webhook"]
