"""A viewer that shows the right password, asks for the whole screen without any compression, and then reads nothing."""

import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from console_world.console import Console
from console_world.screen import PASSWORD

WHOLE_SCREEN = struct.pack(">BBHHHH", 3, 0, 0, 0, 1024, 768)
RAW_ONLY = struct.pack(">BBHi", 2, 0, 1, 0)


class SlowViewer:
    """RFB 3.8 in WebSocket frames, by hand: no library reads ahead for it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._data = bytearray()

    def send(self, data: bytes) -> None:
        """One masked binary message."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self._socket.sendall(bytes((0x82, 0x80 | len(data))) + mask + masked)

    def exactly(self, count: int) -> bytes:
        """The next bytes of the display."""
        while len(self._data) < count:
            self._data += self._message()
        found = bytes(self._data[:count])
        del self._data[:count]
        return found

    def _message(self) -> bytes:
        first, size = self._raw(2)
        if size == 126:
            (size,) = struct.unpack(">H", self._raw(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._raw(8))
        body = self._raw(size)
        return body if first == 0x82 else b""

    def _raw(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            assert more, "the console has ended the slow viewer's session"
            data += more
        return data


@contextmanager
def slow_viewer(console: Console) -> Iterator[SlowViewer]:
    """One that is in, has asked for the whole screen, and reads no more unless the test does."""
    with socket.create_connection(("127.0.0.1", console.port)) as connection:
        connection.settimeout(60)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = (
            f"GET /websockify HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\nOrigin: {console.url}",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
        )
        connection.sendall("\r\n".join(head).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(1)
        viewer = SlowViewer(connection)
        assert viewer.exactly(12).startswith(b"RFB 003.008")
        viewer.send(b"RFB 003.008\n")
        viewer.exactly(viewer.exactly(1)[0])
        viewer.send(b"\x02")
        viewer.send(_answer(viewer.exactly(16)))
        assert viewer.exactly(4) == b"\0\0\0\0"
        viewer.send(b"\x01")
        (name,) = struct.unpack(">20xI", viewer.exactly(24))
        viewer.exactly(name)
        viewer.send(RAW_ONLY)
        viewer.send(WHOLE_SCREEN)
        yield viewer


def _answer(challenge: bytes) -> bytes:
    """VncAuth: DES, whose key is the password with each byte's bits reversed."""
    key = PASSWORD.encode().ljust(8, b"\0")[:8]
    bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    command = ["openssl", "enc", "-des-ede3", "-nopad", "-K", (bits * 3).hex()]
    return subprocess.run(command, input=challenge, check=True, capture_output=True).stdout
