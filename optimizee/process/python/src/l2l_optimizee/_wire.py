"""The protocol between l2l-mpi and a program: frames, and how messages are written. PROTOCOL.md describes it."""

from __future__ import annotations

import faulthandler
import io
import json
import os
import platform
import signal
import socket
import sys
from array import array
from typing import Any, Optional

try:
    import msgpack  # type: ignore[import-untyped]
except ImportError:
    from . import _msgpack as msgpack

PROTOCOL = 2


class Connection:
    """The way to l2l-mpi and back. It is not passed on to processes that this one starts or forks."""

    def __init__(self, fd_in: int, fd_out: int) -> None:
        self._in, self._out = fd_in, fd_out
        self._buffer = bytearray()
        self._closed = False
        for fd in {fd_in, fd_out}:
            os.set_inheritable(fd, False)
        os.register_at_fork(after_in_child=self.close)

    def close(self) -> None:
        if not self._closed:  # a fork of a fork has its own files under these numbers
            self._closed = True
            for fd in {self._in, self._out}:
                os.close(fd)

    def receive(self) -> Optional[bytes]:
        """The next message, or None if none can come any more."""
        if not self._fill(4):
            return None
        end = 4 + int.from_bytes(self._buffer[:4], "little")
        if not self._fill(end):
            return None
        message = bytes(self._buffer[4:end])
        del self._buffer[:end]
        return message

    def _fill(self, size: int) -> bool:
        while len(self._buffer) < size:
            chunk = os.read(self._in, max(size - len(self._buffer), 1 << 16))
            if not chunk:
                return False
            self._buffer += chunk
        return True

    def hello(self, library: str, protocol: int) -> None:
        """Say which protocol this process speaks."""
        worker = f"{library}, Python {platform.python_version()}"
        self.send(json.dumps({"protocol": protocol, "encoding": "msgpack", "worker": worker}).encode())

    def request(self) -> Optional[dict[str, Any]]:
        """The next request, or None if none can come any more."""
        message = self.receive()
        return None if message is None else loads(message)

    def answer(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Answer a request, once. What was printed until now belongs to it, not to the next."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.send(dumps({"number": request["number"], **answer}))

    def send(self, message: bytes) -> None:
        rest = memoryview(len(message).to_bytes(4, "little") + message)
        while rest:
            rest = rest[os.write(self._out, rest) :]


def connect() -> Optional[Connection]:
    """The connection to l2l-mpi, or None if this process was not started by it. Processes that this one starts do not see it."""
    path = os.environ.pop("L2L_SOCKET", None)
    fd_in, fd_out = os.environ.pop("L2L_FD_IN", None), os.environ.pop("L2L_FD_OUT", None)
    if path is not None:
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        fd = s.detach()
        return Connection(fd, fd)
    if fd_in is not None and fd_out is not None:
        return Connection(int(fd_in), int(fd_out))
    return None


def print_what_matters() -> None:
    """Print where this process hangs or crashes, which becomes part of the reason of the failure, and lose nothing that is printed until then."""
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def dumps(message: Any) -> bytes:
    packed: bytes = msgpack.packb(message)
    return packed


def loads(message: bytes) -> Any:
    return msgpack.unpackb(message)


def vector(values: "array[float]") -> bytes:
    """A vector as it travels: little-endian doubles."""
    return _little_endian(values).tobytes()


def doubles(raw: bytes) -> "array[float]":
    """The inverse of vector."""
    return _little_endian(array("d", raw))


def _little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
