"""What the status of a gateway says, and what an attempt comes to. Pure."""
