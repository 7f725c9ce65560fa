"""As much of msgpack as the protocol needs, for where the module msgpack is not installed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

_double = struct.Struct(">d")


def packb(value: Any) -> bytes:
    """A value as msgpack: None, bool, int, float, str, bytes, list, or dict."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


def _write(value: Any, out: bytearray) -> None:
    kind = type(value)
    if kind is float:
        out.append(0xCB)
        out += _double.pack(value)
    elif kind is str:
        data = value.encode()
        out += _head(len(data), 0xA0, 32, (0xD9, 0xDA, 0xDB))
        out += data
    elif kind is bytes:
        out += _head(len(value), 0, 0, (0xC4, 0xC5, 0xC6))
        out += value
    elif kind is int:
        out += struct.pack(">Bq", 0xD3, value) if value < 1 << 63 else struct.pack(">BQ", 0xCF, value)
    elif value is None:
        out.append(0xC0)
    elif kind is bool:
        out.append(0xC3 if value else 0xC2)
    elif kind is list:
        out += _head(len(value), 0x90, 16, (0, 0xDC, 0xDD))
        for v in value:
            _write(v, out)
    elif kind is dict:
        out += _head(len(value), 0x80, 16, (0, 0xDE, 0xDF))
        for k, v in value.items():
            _write(k, out)
            _write(v, out)
    else:
        raise TypeError(f"cannot write a {kind.__name__}")


def _head(size: int, short: int, limit: int, codes: tuple[int, int, int]) -> bytes:
    """A size: below the limit within the byte short, otherwise in 1, 2 or 4 bytes after one of the codes (0: there is none)."""
    if size < limit:
        return bytes((short | size,))
    if size < 1 << 8 and codes[0]:
        return bytes((codes[0], size))
    if size < 1 << 16:
        return struct.pack(">BH", codes[1], size)
    return struct.pack(">BI", codes[2], size)


def unpackb(message: bytes) -> Any:
    """The value of a message. Bytes of any origin are safe: those that are no message raise ValueError."""
    try:
        value, end = _read(message, 0)
    except (IndexError, struct.error):
        raise ValueError("the message ends early") from None
    except RecursionError:
        raise ValueError("the message is nested too deep") from None
    except TypeError as e:
        raise ValueError(f"a key that none can be: {e}") from None
    if end != len(message):
        raise ValueError(f"{len(message) - end} bytes after the value")
    return value


#: Values that are a byte, and numbers by their code: how they are written, and in how many bytes.
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True, **{i: i for i in range(128)}, **{256 + i: i for i in range(-32, 0)}}
_NUMBERS = {code: (struct.Struct(">" + f), struct.calcsize(f)) for code, f in zip([0xCA, 0xCB, *range(0xCC, 0xD4)], "fdBHIQbhiq")}


def _read(b: bytes, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    c = b[at]
    at += 1
    if 0xA0 <= c < 0xC0:
        return _text(b, at, c & 31)
    if c in _NUMBERS:
        number, size = _NUMBERS[c]
        return number.unpack_from(b, at)[0], at + size
    if c in _CONSTANTS:
        return _CONSTANTS[c], at
    if c < 0x90:
        return _dict(b, at, c & 15)
    if c < 0xA0:
        return _list(b, at, c & 15)
    if c in _SIZED:
        read, width = _SIZED[c]
        return read(b, at + width, int.from_bytes(b[at : at + width], "big"))
    raise ValueError(f"byte {c:#x} is not known")


def _bytes(b: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(b):
        raise ValueError("the message ends early")
    return b[at : at + size], at + size


def _text(b: bytes, at: int, size: int) -> tuple[str, int]:
    data, at = _bytes(b, at, size)
    return data.decode(), at


def _list(b: bytes, at: int, size: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(size):
        value, at = _read(b, at)
        values.append(value)
    return values, at


def _dict(b: bytes, at: int, size: int) -> tuple[dict[Any, Any], int]:
    values = {}
    for _ in range(size):
        key, at = _read(b, at)
        values[key], at = _read(b, at)
    return values, at


#: What has its size in 1, 2 or 4 bytes after its code.
_SIZED: dict[int, tuple[Callable[[bytes, int, int], tuple[Any, int]], int]] = {
    **{0xC4: (_bytes, 1), 0xC5: (_bytes, 2), 0xC6: (_bytes, 4)},
    **{0xD9: (_text, 1), 0xDA: (_text, 2), 0xDB: (_text, 4)},
    **{0xDC: (_list, 2), 0xDD: (_list, 4), 0xDE: (_dict, 2), 0xDF: (_dict, 4)},
}
