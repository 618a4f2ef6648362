"""Messages on their way to people: what waits, who takes it, and the process that sends."""
