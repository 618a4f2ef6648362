"""What is said about it: conditions, the status document, Events. Pure."""
