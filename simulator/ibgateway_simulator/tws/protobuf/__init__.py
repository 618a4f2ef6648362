"""The TWS API as protobuf messages: server versions 213 to 225."""
