"""`python -m intake_load.client PORT TOKEN CLIENTS COUNT PREFIX`: orders on kept connections, as fast as they are answered.

Each client sends its next order when its last one is answered. Requests are made beforehand and answers are looked at
no closer than their status and length, because the client shares the machine with the executor. Prints one line of JSON.
"""

import select
import socket
import sys
import time

from intake_load.figures import LoadFigures

BODY = b'{"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 10, "orderType": "LMT", "limitPrice": "190.25"}'


def request(token: str, key: str) -> bytes:
    """A POST of one order."""
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: paper-executor-intake\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


def whole(answer: bytes) -> bool:
    """Whether an answer has come to its end."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return len(body) >= length


def main(port: int, token: str, clients: int, count: int, prefix: str) -> LoadFigures:
    """The figures of `count` orders."""
    waiting = [request(token, f"{prefix}-{number}") for number in reversed(range(count))]
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    since: dict[int, float] = {}
    took: list[float] = []
    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[client.fileno()] = client
        poll.register(client, select.EPOLLIN)
    begin, cpu = time.perf_counter(), time.process_time()
    for number, client in sockets.items():
        since[number] = time.perf_counter()
        client.sendall(waiting.pop())
    while len(took) < count:
        for number, _ in poll.poll():
            client = sockets[number]
            answer = client.recv(65536)
            while answer and not whole(answer):
                answer += client.recv(65536)
            if not answer.startswith(b"HTTP/1.1 202"):
                raise RuntimeError(f"not accepted: {answer[:400]!r}")
            now = time.perf_counter()
            took.append(now - since[number])
            if waiting:
                since[number] = now
                client.sendall(waiting.pop())
    return LoadFigures.of(took, seconds=time.perf_counter() - begin, cpu=time.process_time() - cpu)


if __name__ == "__main__":
    given = sys.argv[1:]
    print(main(int(given[0]), given[1], int(given[2]), int(given[3]), given[4]).to_json())
