"""`kubectl ibgateway`: what a person asks of a gateway and its executor, through the kubectl that runs it."""
