"""Runs read from their directories: those of l2l-mpi's own tests, with what l2l-mpi export has written of them."""

import csv
import importlib.util
import itertools
import math
import os
import pathlib
import random
import struct
import tempfile
import unittest
from unittest import mock

from l2l_optimizee import _journal, _run, load_run

GOLDEN = pathlib.Path(__file__).parents[4] / "l2l/app/testdata/golden/journal-2"


def agrees(text, value):
    """Whether a value is what a cell of a CSV says; values of log scales may differ by the last digits of an exponential."""
    if value is None or isinstance(value, float) and math.isnan(value):
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return text != "" and math.isclose(float(text), value, rel_tol=1e-13, abs_tol=0)
    return text == value


def frame(journal):
    """Frames of these kinds and payloads, with checksums."""
    out, crc = bytearray(_journal.MAGIC), _journal._crc(_journal.MAGIC, 0)
    for kind, payload in journal:
        head = struct.pack("<IB", len(payload), kind)
        crc = _journal._crc(head, crc)
        out += head + struct.pack("<I", crc) + payload
        crc = _journal._crc(payload, crc)
        out += struct.pack("<I", crc)
    return bytes(out)


def payloads(journal):
    at = 8
    while at < len(journal):
        size, kind = struct.unpack_from("<IB", journal, at)
        yield kind, journal[at + 9 : at + 9 + size]
        at += size + 13


class TestRuns(unittest.TestCase):
    def run_of(self, journal):
        """A run with this journal."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.mkdir(os.path.join(directory.name, "journal"))
        with open(os.path.join(directory.name, "journal", "events"), "wb") as f:
            f.write(journal)
        return load_run(directory.name)

    def check(self, table, path):
        """That a table has the cells of the columns of a CSV."""
        with open(path, newline="") as f:
            header, *rows = csv.reader(f)
        self.assertGreater(len(rows), 10)
        for i, name in enumerate(header):
            column = table[name] if isinstance(table[name], list) else table[name].tolist()
            self.assertEqual(len(column), len(rows))
            for row, value in zip(rows, column):
                self.assertTrue(agrees(row[i], value), f"{path}: {name} is {value!r}, want {row[i]!r}")

    def test_evaluations_are_those_that_l2l_mpi_exports(self):
        for present in ("pandas", "numpy", ""):
            if present and not importlib.util.find_spec(present):
                continue
            missing = {"pandas": {"pandas": _run.pandas}, "numpy": {"pandas": None}, "": {"pandas": None, "numpy": None}}[present]
            with mock.patch.multiple(_run, **missing):
                for name in ("plain", "front", "killed", "posterior", "warm", "asynchronous"):
                    run = load_run(GOLDEN / name / "run")
                    self.check(run.evaluations, GOLDEN / name / "export.csv")
                    self.assertIn(f"<caption>{run.path}", run._repr_html_())
                self.check(load_run(GOLDEN / "posterior" / "run").posterior, GOLDEN / "posterior" / "posterior.csv")

    @unittest.skipUnless(_run.numpy, "needs numpy")
    def test_results_read_at_once_are_those_read_one_after_the_other(self):
        for name in ("plain", "front", "killed", "posterior", "warm", "asynchronous"):
            fast, slow = load_run(GOLDEN / name / "run"), load_run(GOLDEN / name / "run")
            self.assertIsNotNone(fast._columns, name)
            slow.__dict__["_columns"] = None
            for table in ("evaluations", "individuals"):
                a, b = getattr(fast, table), getattr(slow, table)
                self.assertEqual(list(a), list(b))
                for column in a:
                    self.assertEqual(repr(list(a[column])), repr(list(b[column])), f"{name}: {column}")
            self.assertEqual(fast.best, slow.best)

    @unittest.skipUnless(_run.numpy, "needs numpy")
    def test_checksums_are_checked_at_once(self):
        golden = (GOLDEN / "plain" / "run/journal/events").read_bytes()
        payload = bytes(random.Random(2).randrange(256) for _ in range(5 * _journal._LANE))
        large = frame([*payloads(golden), (200, payload), (200, payload[: 2 * _journal._LANE]), (200, b""), (200, payload[:700])])
        self.assertEqual(_journal.sound(golden), 0)  # it is not worth while
        with mock.patch.object(_journal, "_FEW", 0):
            for journal in (golden, large):
                self.assertEqual(_journal.sound(journal), len(journal))
                self.assertLessEqual(_journal.sound(journal[:-1]), len(journal) - 1)
                for at in random.Random(1).sample(range(8, len(journal) - 720), 30):  # what is last may be torn
                    damaged = bytearray(journal)
                    damaged[at] ^= 1 << at % 8
                    self.assertLessEqual(_journal.sound(bytes(damaged)), at)
                    with self.assertRaisesRegex(ValueError, "is damaged at byte|ends early|checksum|holds"):
                        self.run_of(bytes(damaged)).evaluations
            self.assertEqual(len(load_run(GOLDEN / "plain" / "run")._told), len(self.run_of(large)._told))

    def test_the_best_is_that_of_the_result(self):
        runs = [load_run(GOLDEN / name / "run") for name in ("plain", "asynchronous")]
        self.assertEqual(load_run(GOLDEN / "warm" / "run").best["individual"], 64)  # of the last instances, as l2l-mpi best has it
        for run in runs:
            self.assertEqual(run.best["individual"], run.result["best"]["individual"], run)
            self.assertEqual(run.best["fitness"], run.result["best"]["fitness"])
            for name, value in run.best["parameters"].items():
                self.assertEqual(str(value)[:12], str(run.result["best"]["parameters"][name])[:12])
            self.assertEqual([o.direction for o in run.objectives], ["minimise"])
            self.assertIn("optimizer:", run.config)

    def test_what_cannot_be_read_is_told(self):
        with self.assertRaisesRegex(FileNotFoundError, "/nowhere holds no run"):
            load_run("/nowhere")
        with self.assertRaisesRegex(ValueError, "digests of its individuals, which only l2l-mpi makes again: use l2l-mpi export"):
            load_run(GOLDEN / "digest" / "run").evaluations
        with self.assertRaisesRegex(ValueError, "the first version of l2l-mpi: l2l-mpi export reads it"):
            load_run(GOLDEN.parent / "journal-1" / "plain" / "run")
        with self.assertRaisesRegex(ValueError, "has no front: its optimizer searches for the best of one objective"):
            load_run(GOLDEN / "plain" / "run").front
        with self.assertRaisesRegex(ValueError, "nothing has happened in the run yet"):
            self.run_of(_journal.MAGIC)

    def test_a_torn_tail_is_left_out_and_damage_is_an_error(self):
        journal = (GOLDEN / "plain" / "run/journal/events").read_bytes()
        frames = list(payloads(journal))
        self.assertEqual(frame(frames), journal)
        told = len(load_run(GOLDEN / "plain" / "run")._told)
        for tail in (b"", journal[8:12], frame([*frames, frames[1]])[len(journal) : -1], b"\0" * 20):
            self.assertEqual(len(self.run_of(journal + tail)._told), told)
        for at in random.Random(1).sample(range(8, len(journal) - 300), 60):
            damaged = bytearray(journal)
            damaged[at] ^= 1 << at % 8
            with self.assertRaisesRegex(ValueError, "is damaged at byte|ends early|checksum"):
                self.run_of(bytes(damaged))._told

    def test_no_bytes_give_anything_but_a_value_error(self):
        """Records of another version, whose checksums are right, and bytes of any origin."""
        rng = random.Random(2)
        frames = list(itertools.chain.from_iterable(list(payloads((GOLDEN / n / "run/journal/events").read_bytes()))[:40] for n in ("plain", "front")))
        refused = 0
        for _ in range(150):
            changed = [(kind, bytearray(payload)) for kind, payload in frames[: rng.randrange(1, 40)]]
            for _ in range(rng.randrange(1, 4)):
                kind, payload = rng.choice(changed[rng.randrange(2) :] or changed)
                payload[rng.randrange(len(payload))] = rng.choice((0, 0x80, 0x90, 0xC0, 0xC4, 0xFF, rng.randrange(256)))
            try:
                run = self.run_of(frame(changed))
                run.evaluations, run.individuals, run.generations, run.measurements, run.best, run._repr_html_()
            except ValueError as e:
                refused += 1
                self.assertTrue(str(e))
        self.assertGreater(refused, 20)

    def test_values_are_within_bounds_and_decimal_numbers_come_back(self):
        p = _run.Parameter("tau", "float", 1e-3, 1e5, True, [], 0, "")
        for v in (1e-3, 0.01, 0.1, 0.3, 1.25, 7, 123.456, 1e5):
            self.assertEqual(p.value(math.log(v)), v)
        for x in (-math.inf, -1e300, 1e300, math.inf):
            self.assertIn(p.value(x), (1e-3, 1e5))
            for kind in ("int", "bool", "categorical"):
                value = _run.Parameter("n", kind, -3, 3, False, ["a", 2, True], 0, "").value(x)
                self.assertIn(value, {"int": (-3, 3), "bool": (False, True), "categorical": ("a", True)}[kind])
        n = _run.Parameter("n", "int", -9, 9, False, [], 0, "")
        self.assertEqual([n.value(x) for x in (0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994)], [1, 2, 3, -1, -3, 0])

    @unittest.skipUnless(importlib.util.find_spec("matplotlib"), "needs matplotlib")
    def test_a_plot_shows_every_individual(self):
        import matplotlib

        matplotlib.use("Agg")
        run = load_run(GOLDEN / "plain" / "run")
        points, best = run.plot().get_lines()
        self.assertEqual(len(points.get_ydata()), sum(t.fitness is not None for t in run._told))
        self.assertEqual(list(best.get_ydata())[-1], run.best["fitness"]["value"])
        members = load_run(GOLDEN / "front" / "run").plot().get_lines()[1]
        self.assertEqual(len(members.get_xdata()), len(load_run(GOLDEN / "front" / "run").front["individual"]))


if __name__ == "__main__":
    unittest.main()
