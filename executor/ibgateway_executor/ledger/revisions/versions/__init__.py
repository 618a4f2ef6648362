"""One module a revision. They never import `tables`: a revision stays as it was when the tables go on."""
