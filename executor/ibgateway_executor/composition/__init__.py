"""The executor's parts, each made of its collaborators; `run` starts them together."""
