"""What the sentinel's unit tests stand on: time, a pod's files, the gateway's API, a receiver."""

from sentinel_fakes.gateway_api import ApiBehaviour, FakeGatewayApi, frame, gateway_api
from sentinel_fakes.pod import FakePod
from sentinel_fakes.receiver import EvidenceRecorder
from sentinel_fakes.time import SteppedTime

__all__ = [
    "ApiBehaviour",
    "EvidenceRecorder",
    "FakeGatewayApi",
    "FakePod",
    "SteppedTime",
    "frame",
    "gateway_api",
]
