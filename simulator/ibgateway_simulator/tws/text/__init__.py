"""The TWS API as fields of text: server versions 157 to 178."""
