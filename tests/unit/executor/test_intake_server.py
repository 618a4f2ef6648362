"""The intake's port: it answers at once on a kept connection, and says where it listens."""

import socket

import pytest

from ibgateway_executor.intake import server
from ibgateway_runtime.errors import SettingsError


def test_what_is_accepted_answers_without_waiting_for_more() -> None:
    with server._listening("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} can't be opened"):
            server._listening("127.0.0.1", port)
