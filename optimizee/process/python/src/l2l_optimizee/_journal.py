"""The events of a run's journal, a file that is described in l2l/journal/frame.go of l2l-mpi."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

try:
    import msgpack  # type: ignore[import-untyped]
except ImportError:
    from . import _msgpack as msgpack

MAGIC, MAGIC_1 = b"L2LJRNL2", b"L2LJRNL1"

#: The kinds of frames. What those from 128 on hold does not touch the search: one that is not known is passed over.
BEGUN_1, ASKED, RESULT, STOPPED, WARM_START, BEGUN, FINALS, INJECTED, FIGURES = 1, 2, 3, 4, 6, 7, 8, 9, 128
_KNOWN = (ASKED, RESULT, STOPPED, WARM_START, BEGUN, FINALS, INJECTED, FIGURES)

_HEADER, _SUM = struct.Struct("<IBI"), struct.Struct("<I")


def _castagnoli() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _castagnoli()


def _crc(data: bytes, crc: int) -> int:
    """CRC-32C, going on from that of what is before."""
    table = _TABLE
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def events(journal: bytes, name: str = "the journal") -> Iterator[tuple[int, Any]]:
    """The events of a journal: the kind of each and its fields. What a killed or running process has written of a last event in part is left out;
    ValueError says where a journal is damaged, or what another version has written."""
    if len(journal) < 8 or not any(journal):
        return
    chained = journal[:8] == MAGIC
    if not chained and journal[:8] != MAGIC_1:
        raise ValueError(f"{name} does not begin as a journal does")
    at = 8
    crc = _crc(MAGIC, 0)
    while at < len(journal):
        body = at + _HEADER.size
        if body > len(journal):
            return
        size, kind, head = _HEADER.unpack_from(journal, at)
        crc, end = _crc(journal[at : at + 5], crc if chained else 0), body + size
        whole, after = crc == head, body
        if whole:
            if end + 4 > len(journal):
                return
            crc, after = _crc(journal[body:end], crc if chained else 0), end + 4
            whole = crc == _SUM.unpack_from(journal, end)[0]
        if not whole:
            if not any(journal[after:]):
                return  # the machine died before its disk had what was written
            raise ValueError(f"{name} is damaged at byte {at}: its checksum is not that of what is there")
        if kind == BEGUN_1:
            raise ValueError(f"{name} was written by the first version of l2l-mpi: l2l-mpi export reads it")
        if kind in _KNOWN:
            try:
                fields = msgpack.unpackb(journal[body:end])
                if not isinstance(fields, dict if kind in (BEGUN, STOPPED, WARM_START) else list):
                    raise ValueError(f"a {type(fields).__name__}")
            except Exception as e:
                raise ValueError(f"{name}: at byte {at}: written by another version of l2l-mpi: {e}") from e
            yield kind, fields
        elif kind < 128:
            raise ValueError(f"{name}: at byte {at}: written by another version of l2l-mpi: a frame of kind {kind}")
        at = end + 4
