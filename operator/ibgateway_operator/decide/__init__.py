"""What is to be done, decided from a snapshot. Pure."""
