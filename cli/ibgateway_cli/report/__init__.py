"""What a report is made of, and what is taken out of it."""
