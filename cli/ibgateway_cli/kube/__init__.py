"""The cluster as kubectl shows it, and the way to what it forwards."""
