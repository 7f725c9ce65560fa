"""The part of msgpack that is there without the module of that name."""

import importlib
import importlib.util
import math
import os
import random
import time
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
        for message in (
            b"", b"\xc1", b"\xc7\x00", b"\x01\x02", b"\xa5ab", b"\x92\x01", b"\xcb\x00", b"\x81\x90\x01", b"\x81\x80\x01", b"\xa1\xff",
            b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xffab", b"\x91" * 100_000,
        ):  # fmt: skip
            with self.assertRaises(ValueError, msg=message):
                _msgpack.unpackb(message)
        with self.assertRaises(TypeError):
            _msgpack.packb(object())

    def test_messages_changed_at_random_are_values_or_an_error(self):
        """Runs L2L_TEST_FUZZ seconds, where that is given. The module msgpack, where it is installed, reads the same values."""
        other = importlib.util.find_spec("msgpack") and importlib.import_module("msgpack")
        rng, end = random.Random(1), time.monotonic() + float(os.environ.get("L2L_TEST_FUZZ", 0))
        pool = [m for m in map(_msgpack.packb, VALUES) if len(m) < 300]
        done = 0
        while done < 3000 or time.monotonic() < end:
            done += 1
            message = bytearray(rng.choice(pool))
            for _ in range(rng.randint(1, 4)):
                at = rng.randint(0, len(message))
                cut = at + rng.choice((0, 0, 1, 1, 1, 2, 9))
                message[at:cut] = rng.choice((rng.randbytes(rng.randint(0, 3)), rng.choice(pool)[: rng.randint(1, 20)]))
            message = bytes(message)
            with self.subTest(message=message):
                try:
                    value = _msgpack.unpackb(message)
                except ValueError:
                    continue
                if len(pool) < 1000:
                    pool.append(message[:300])
                else:
                    pool[rng.randrange(len(VALUES), 1000)] = message[:300]
                again = _msgpack.unpackb(_msgpack.packb(value))
                self.assertEqual(repr(again), repr(value))
                if other:
                    try:
                        theirs = other.unpackb(message, strict_map_key=False)
                    except (ValueError, TypeError):
                        continue  # a list as a key, for one
                    self.assertEqual(repr(theirs), repr(value))


if __name__ == "__main__":
    unittest.main()
