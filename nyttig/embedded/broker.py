"""An MQTT broker of Nyttig's own (amqtt), in a process of its own, on loopback only.

It speaks MQTT 3.1.1 and keeps retained messages and persistent sessions in memory: enough for a demo, not for
a trial. `python -m nyttig.embedded.broker --port N` is that process.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import select
import signal
import subprocess
import sys
import warnings
from types import TracebackType

from nyttig.errors import BrokerUnavailableError

HOST = "127.0.0.1"
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 5


class EmbeddedBroker:
    """A broker on 127.0.0.1:`port` that runs from `start` to `stop`, and never longer than its owner."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's address, as NYTTIG_MQTT_URL takes it."""
        return f"mqtt://{HOST}:{self.port}"

    def start(self) -> None:
        """The broker accepts connections.

        Raises BrokerUnavailableError, naming the port when something else listens there.
        """
        self._process = process = subprocess.Popen(  # noqa: S603  our own module, no shell
            [sys.executable, "-m", "nyttig.embedded.broker", "--port", str(self.port)],
            stdin=subprocess.PIPE,  # its end tells the broker that we are gone, however we went
            stdout=subprocess.PIPE,  # one line: a complaint, or an empty one when it listens
            start_new_session=True,  # Ctrl-C is ours to turn into an orderly end
        )
        assert process.stdout is not None
        try:
            readable, _, _ = select.select([process.stdout], [], [], START_SECONDS_MAX)
            said = process.stdout.readline().decode(errors="replace") if readable else ""
            if said != "\n":
                raise BrokerUnavailableError(said.strip() or f"the broker on port {self.port} did not start")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """The broker's process has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()

    def __enter__(self) -> EmbeddedBroker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def main() -> int:
    """The broker has run until it was told to stop or its owner went away; 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m nyttig.embedded.broker", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    try:
        asyncio.run(_serve(port))
    except BrokerUnavailableError as error:
        _say(str(error))
        return 1
    return 0


async def _serve(port: int) -> None:
    from amqtt.errors import BrokerError

    from nyttig.embedded.sessions import Broker

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_reader(sys.stdin, ended.set)
    broker = Broker(port)
    logging.disable()  # a failed start is told once, by us
    try:
        await broker.start()
    except BrokerError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
            raise BrokerUnavailableError(
                f"port {port} on {HOST} is taken by another program; stop that one, "
                "or choose another port with --mqtt-port"
            ) from error
        raise BrokerUnavailableError(f"no broker on port {port}: {error}") from error
    logging.disable(logging.NOTSET)
    _say("")
    await ended.wait()
    await broker.shutdown()


def _say(complaint: str) -> None:
    sys.stdout.write(complaint.replace("\n", " ") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
