"""From a stored order to one that the broker has."""
