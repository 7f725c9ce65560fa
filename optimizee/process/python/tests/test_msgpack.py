"""The part of msgpack that is there without the module of that name."""

import importlib.util
import math
import unittest

from l2l_optimizee import _msgpack

VALUES = [
    None, True, False, 0, 1, 127, 128, 255, 256, 1 << 16, 1 << 32, 2**63 - 1, 2**63, 2**64 - 1, -1, -32, -33, -128, -129, -(1 << 31), -(2**63),
    0.0, -1.5, 1e300, 5e-324, math.inf, "", "x" * 31, "x" * 32, "\u00fc" * 128, "x" * 256, "x" * 70000, b"", b"x" * 255, b"x" * 256, b"x" * 70000,
    [], [1, [2, ["x"]]], list(range(15)), list(range(16)), list(range(70000)), {}, {"a": {"b": [None]}, "c": b"d"}, {str(i): i for i in range(15)},
    {str(i): i for i in range(16)}, {str(i): i for i in range(70000)},
]  # fmt: skip


class TestMsgpack(unittest.TestCase):
    def test_values_come_back_as_they_were(self):
        for value in VALUES:
            again = _msgpack.unpackb(_msgpack.packb(value))
            self.assertEqual((type(again), again), (type(value), value))
        self.assertTrue(math.isnan(_msgpack.unpackb(_msgpack.packb(math.nan))))

    @unittest.skipUnless(importlib.util.find_spec("msgpack"), "there is no other to compare with")
    def test_it_reads_and_is_read_by_the_module(self):
        import msgpack

        for value in VALUES + [[float(i) for i in range(20)]]:
            self.assertEqual(_msgpack.unpackb(msgpack.packb(value)), value)
            self.assertEqual(msgpack.unpackb(_msgpack.packb(value)), value)
        self.assertEqual(_msgpack.unpackb(msgpack.packb(1.5, use_single_float=True)), 1.5)

    def test_what_is_no_message_is_an_error(self):
        for message in b"", b"\xc1", b"\xc7\x00", b"\x01\x02", b"\xa5ab", b"\x92\x01", b"\xcb\x00":
            with self.assertRaises((ValueError, IndexError, _msgpack.struct.error), msg=message):
                _msgpack.unpackb(message)
        with self.assertRaises(TypeError):
            _msgpack.packb(object())


if __name__ == "__main__":
    unittest.main()
