"""What `doctor` looks at: each check gives one line, and one remedy where something is wrong."""
