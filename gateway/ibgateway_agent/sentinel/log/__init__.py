"""From lines of the gateway's log to a login state."""
