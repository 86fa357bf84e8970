"""A way to a server that can be cut, go silent, or lose exactly one answer: what networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Direction = Literal["up", "down"]
"""Towards the server, and back from it."""


class Line:
    """A TCP port on loopback behind which stands the server at `target`: (host, port) or a Unix socket."""

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self._target = str(target) if isinstance(target, Path) else target
        self._open = {"up": threading.Event(), "down": threading.Event()}
        self.resume()
        self._calls: list[_Call] = []
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._marks: tuple[bytes, bytes] | None = None
        self.answer_lost = threading.Event()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._usher = threading.Thread(target=self._usher_in, name="line", daemon=True)

    def __enter__(self) -> Self:
        self._usher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that waits in accept() is woken by nothing but a caller.
        self._closing.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            self._usher.join(5)
        self._door.close()
        self.cut()
        self.resume()

    def cut(self) -> None:
        """All connections are closed; what was on its way is lost. New ones may be made at once."""
        with self._guard:
            calls, self._calls = self._calls, []
        for call in calls:
            call.hang_up()

    def silence(self, *directions: Direction) -> None:
        """Nothing gets through in these directions, also not on new connections, until `resume`."""
        for direction in directions:
            self._open[direction].clear()

    def lose_answer(self, transaction: bytes, ending: bytes) -> None:
        """When next a connection has said `transaction` and then says `ending`, nothing comes back to anybody.

        `answer_lost` is set when that has happened.
        """
        self.answer_lost.clear()
        self._marks = (transaction, ending)

    def resume(self) -> None:
        """Both directions are open."""
        self._marks = None
        for gate in self._open.values():
            gate.set()

    def _usher_in(self) -> None:
        while True:
            client, _ = self._door.accept()
            if self._closing.is_set():
                client.close()
                return
            family = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
            server = socket.socket(family)
            try:
                server.connect(self._target)
            except OSError:
                client.close()
                server.close()
                continue
            if family == socket.AF_INET:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            call = _Call(client, server)
            with self._guard:
                self._calls.append(call)
            for direction in ("up", "down"):
                threading.Thread(target=self._carry, args=(call, direction), daemon=True).start()

    def _carry(self, call: _Call, direction: Direction) -> None:
        source, sink = (call.client, call.server) if direction == "up" else (call.server, call.client)
        begun = False
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if direction == "up" and (marks := self._marks) is not None:
                    begun = begun or marks[0] in data
                    if begun and marks[1] in data:
                        self.silence("down")
                        self._marks = None
                        self.answer_lost.set()
                self._open[direction].wait()
                if call.over:
                    break
                sink.sendall(data)
        call.hang_up()


class _Call:
    """One connection through the line."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.over = False

    def hang_up(self) -> None:
        self.over = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
