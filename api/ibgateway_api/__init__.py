"""What the programs agree on: the resource, login states, the gate, the week, permits, JSON documents.

Pure by contract: no I/O, no clock, no Kubernetes client. Time enters as an argument, always aware UTC.
"""
