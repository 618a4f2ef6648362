"""What the console's tests stand on: fake and real displays, real consoles, a real browser."""
