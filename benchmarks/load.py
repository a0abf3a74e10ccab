"""A client that costs little: ``load.py PORT PATH BODY_FILE CLIENTS SECONDS``, figures as JSON.

Raw sockets kept alive and requests made beforehand: beside it on two cores, the server is what is
measured. An answer that is not 200 ends it.
"""

import json
import selectors
import socket
import sys
import time

WARM = 0.15  # of the seconds, which do not count
END = b"\r\n\r\n"


def is_whole(answer: bytes) -> bool:
    """Tell whether an answer has all of its body; refuses any but a 200."""
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"expected 200, got {answer[:400]!r}")
    head, found, body = answer.partition(END)
    if not found:
        return False
    lines = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in lines:
        return len(body) >= int(lines[b"content-length"])
    return body.endswith(b"0" + END)


class Connection:
    """A connection with at most one request under way."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request, self.answer, self.usual = request, b"", 0

    def send(self) -> None:
        """Send the request."""
        self.answer, self.start = b"", time.perf_counter()
        self.socket.sendall(self.request)

    def receive(self) -> bool:
        """Read what came; returns whether the answer is whole."""
        self.answer += self.socket.recv(65536)
        if len(self.answer) == self.usual and self.answer.startswith(b"HTTP/1.1 200"):
            return True  # as long as the last one, which was parsed
        if not self.answer or not is_whole(self.answer):
            if not self.answer:
                raise SystemExit("the server closed the connection")
            return False
        self.usual = len(self.answer)
        return True


def ask(connections: list[Connection], seconds: float) -> list[float]:
    """Ask for some seconds over each connection at once; returns the seconds of each answer."""
    stop = time.perf_counter() + seconds
    return _in_turn(connections[0], stop) if len(connections) == 1 else _at_once(connections, stop)


def _in_turn(connection: Connection, stop: float) -> list[float]:
    took, now = [], 0.0
    while now < stop:
        connection.send()
        while not connection.receive():
            pass
        now = time.perf_counter()
        took.append(now - connection.start)
    return took


def _at_once(connections: list[Connection], stop: float) -> list[float]:
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        under_way = len(connections)
        while under_way:
            for key, _ in selector.select():
                connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                took.append(now - connection.start)
                if now < stop:
                    connection.send()
                else:
                    under_way -= 1
    return took


def main(port: str, path: str, body_file: str, clients: str, seconds: str) -> dict[str, float]:
    """Ask a server; returns requests a second, and the median and 99th percentile in ms."""
    with open(body_file, "rb") as file:
        body = file.read()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}".encode() + END + body
    connections = [Connection(int(port), request) for _ in range(int(clients))]
    ask(connections, WARM * float(seconds))
    start = time.perf_counter()
    took = sorted(ask(connections, float(seconds)))
    rate = len(took) / (time.perf_counter() - start)
    p50, p99 = (1000 * took[int(share * len(took))] for share in (0.5, 0.99))
    return {"rate": rate, "p50": p50, "p99": p99}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
