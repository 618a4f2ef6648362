"""`python -m ibgateway_cluster`."""

from ibgateway_cluster.cli import main

main()
