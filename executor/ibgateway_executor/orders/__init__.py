"""Orders and what may become of them: pure values and rules."""
