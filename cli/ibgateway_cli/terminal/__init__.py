"""The person's side: where is printed and asked, in which form, and times in words."""
