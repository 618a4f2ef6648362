"""What the sentinel tells people of: the login, the week, its volume, its clock, an operator that is not heard."""
