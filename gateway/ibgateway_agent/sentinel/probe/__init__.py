"""What the API itself proves."""
