"""The events of a run's journal, a file that is described in l2l/journal/frame.go of l2l-mpi."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

try:
    import msgpack  # type: ignore[import-untyped]
except ImportError:
    from . import _msgpack as msgpack

numpy: Any
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    numpy = None

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


#: Of what is checked many at a time: bytes of a lane, and lanes at a time, which fit a processor's cache.
_LANE, _LANES = 512, 1 << 15
_FEW = 1 << 16  #: bytes of a journal that is checked as it is read


def sound(journal: bytes) -> int:
    """Where the frames end whose checksums are all as they should be, as far as numpy finds that out at once; 0 where it is not worth while. Each frame
    is checked by itself, as its checksum goes on from the one that is written before it, and in lanes, which are put together: the checksum is linear."""
    np = numpy
    if np is None or len(journal) < _FEW or journal[:8] != MAGIC:
        return 0
    starts, at, unpack = [], 8, _HEADER.unpack_from
    while at + _HEADER.size <= len(journal):
        end = at + _HEADER.size + unpack(journal, at)[0] + 4
        if end > len(journal):
            break
        starts.append(at)
        at = end
    data, start = np.frombuffer(journal, np.uint8), np.array([*starts, at], np.int64)
    if len(starts) == 0:
        return 8
    table, ones = np.array(_TABLE, np.uint32), np.uint32(0xFFFFFFFF)

    def words(places: Any) -> Any:
        value = np.zeros(len(places), np.uint32)
        for i in range(4):
            value |= data[places + i].astype(np.uint32) << np.uint32(8 * i)
        return value

    def run(crc: Any, places: Any, sizes: Any) -> Any:
        """The registers after so many bytes from places on."""
        order = np.argsort(-sizes, kind="stable")
        for low in range(0, len(order), _LANES):
            chosen = order[low : low + _LANES]
            reg, place, size = crc[chosen], places[chosen], sizes[chosen]
            left = np.searchsorted(-size, -np.arange(int(size[0])), side="left") if len(size) else []
            for i, n in enumerate(left):
                reg[:n] = table[(reg[:n] ^ data[place[:n] + i]) & np.uint32(255)] ^ (reg[:n] >> np.uint32(8))
            crc[chosen] = reg
        return crc

    body, end = start[:-1] + _HEADER.size, start[1:] - 4
    sums, heads = words(end), words(start[:-1] + 5)
    before = np.concatenate([np.array([_crc(MAGIC, 0)], np.uint32), sums[:-1]])
    good = run(before ^ ones, start[:-1], np.full(len(body), 5)) ^ ones == heads
    full, first = np.divmod(end - body, _LANE)
    reg = run(heads ^ ones, body, first)
    many = np.flatnonzero(full)
    if len(many):
        many = many[np.argsort(-full[many], kind="stable")]
        count = full[many]
        offset = np.concatenate([[0], np.cumsum(count)[:-1]])
        within = np.arange(int(count.sum())) - np.repeat(offset, count)
        lanes = run(np.zeros(len(within), np.uint32), np.repeat(body[many] + first[many], count) + within * _LANE, np.full(len(within), _LANE))
        byte = np.arange(256, dtype=np.uint32)
        past = np.concatenate([byte << np.uint32(8 * i) for i in range(4)])  # what a lane of zeros makes of each byte of a register
        for _ in range(_LANE):
            past = table[past & np.uint32(255)] ^ (past >> np.uint32(8))
        past = past.reshape(4, 256)
        for i in range(int(count[0])):
            n = int(np.searchsorted(-count, -i, side="left"))
            r = reg[many[:n]]
            moved = past[0][r & np.uint32(255)]
            for k in range(1, 4):
                moved = moved ^ past[k][(r >> np.uint32(8 * k)) & np.uint32(255)]
            reg[many[:n]] = moved ^ lanes[offset[:n] + i]
    good &= reg ^ ones == sums
    return int(start[len(good) if good.all() else int(np.argmin(good))])


def events(journal: bytes, name: str = "the journal", checked: Callable[[], int] = lambda: 0) -> Iterator[tuple[int, Any]]:
    """The events of a journal: the kind of each and its fields. Up to checked() its checksums are known to be right.
    What a killed or running process has written of a last event in part is left out;
    ValueError says where a journal is damaged, or what another version has written."""
    if len(journal) < 8 or not any(journal):
        return
    chained = journal[:8] == MAGIC
    if not chained and journal[:8] != MAGIC_1:
        raise ValueError(f"{name} does not begin as a journal does")
    at = 8
    crc = _crc(MAGIC, 0)
    known = 0
    while at < len(journal):
        if at > 8 and known == 0:
            known = max(checked(), 1)  # not for who wants to know the first event alone
            yield from _checked(journal, at, known, name)
            if at < known:
                at, crc = known, _SUM.unpack_from(journal, known - 4)[0]
                continue
        body = at + _HEADER.size
        if body > len(journal):
            return
        size, kind, head = _HEADER.unpack_from(journal, at)
        end = body + size
        crc = _crc(journal[at : at + 5], crc if chained else 0)
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
        if (fields := _fields(kind, journal[body:end], at, name)) is not None:
            yield kind, fields
        at = end + 4


def _checked(journal: bytes, at: int, known: int, name: str) -> Iterator[tuple[int, Any]]:
    """The events from one frame to another, whose checksums are known to be right."""
    unpack, unpackb, size_of = _HEADER.unpack_from, msgpack.unpackb, _HEADER.size
    while at < known:
        size, kind, _ = unpack(journal, at)
        body = at + size_of
        end = body + size
        fields = None
        if kind == RESULT:  # nearly all are
            try:
                fields = unpackb(journal[body:end])
            except Exception:
                fields = None  # _fields says why
        if type(fields) is not list:
            fields = _fields(kind, journal[body:end], at, name)
        if fields is not None:
            yield kind, fields
        at = end + 4


def _fields(kind: int, payload: bytes, at: int, name: str) -> Any:
    """The fields of a frame, the place of which is told where it is of another version; None for one that is passed over."""
    if kind == BEGUN_1:
        raise ValueError(f"{name} was written by the first version of l2l-mpi: l2l-mpi export reads it")
    if kind in _KNOWN:
        try:
            fields = msgpack.unpackb(payload)
            if not isinstance(fields, dict if kind in (BEGUN, STOPPED, WARM_START) else list):
                raise ValueError(f"a {type(fields).__name__}")
        except Exception as e:
            raise ValueError(f"{name}: at byte {at}: written by another version of l2l-mpi: {e}") from e
        return fields
    if kind < 128:
        raise ValueError(f"{name}: at byte {at}: written by another version of l2l-mpi: a frame of kind {kind}")
    return None
