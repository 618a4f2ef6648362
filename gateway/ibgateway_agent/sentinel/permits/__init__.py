"""The budget of login attempts and the permits it grants."""
