"""What a release consists of, made from one commit: `make release` fills `dist/`, and twice over the same bytes."""
