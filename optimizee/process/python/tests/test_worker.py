"""A script that serves, as l2l-mpi sees it."""

import os
import signal
import time
import unittest

from harness import MSGPACK, NUMPY, Case, vector

SQUARE = """
    from l2l_optimizee import serve

    def evaluate(params, seed, instance):
        print("evaluating", params)
        return (params["tau"] - 10) ** 2 + seed + 100 * instance

    serve(evaluate)
    print("the end")
"""


class TestWorker(Case):
    def test_says_hello_evaluates_and_ends_when_nothing_can_be_asked(self):
        for worker in self.each(SQUARE):
            self.assertEqual((worker.hello["protocol"], worker.hello["encoding"]), (2, "msgpack"))
            self.assertIn("Python", worker.hello["worker"])
            self.assertEqual(worker.ready, {})
            for tau in (10, 12.5, 1e-300, 1e300):
                result = worker.evaluate(tau=tau)
                self.assertEqual(result, {"fitness": vector([(tau - 10) ** 2 + 205])} if tau < 1e200 else result)
            code, out, err = worker.end()
            self.assertEqual((code, out.splitlines()[-1], err), (0, "the end", ""))

    def test_a_result_has_any_of_the_forms_that_a_model_may_return(self):
        script = """
            from l2l_optimizee import Result, serve
            from fractions import Fraction

            serve(lambda params, seed: {
                0: (1, 2.5), 1: [Fraction(1), 2.5], 2: {"rate": 2.5, "error": True}, 3: iter([1, 2.5]), 4: Result([1, 2.5], (), range(0)),
                5: Result({"error": 1, "rate": 2.5}),
            }[seed])
        """
        for worker in self.each(script, objectives=("error", "rate")):
            for form in range(6):
                self.assertEqual(worker.evaluate({"params": {"tau": 1}, "seed": form, "instance": 0}), [{"fitness": vector([1, 2.5])}])

    def test_what_is_no_fitness_is_an_error_that_says_so(self):
        script = """
            from decimal import Decimal
            from l2l_optimizee import Result, serve

            class Broken:
                def __float__(self):
                    raise ArithmeticError("no number today")

                def __repr__(self):
                    raise ArithmeticError("no text either")

            serve(lambda seed: [
                None, [1], [1, 2, 3], {"error": 1}, [1, float("nan")], [1, float("-inf")], "12", [1, "x"], 1j,
                [10**400, 1], [1, -(10**5000)], {"error": 1, "rate": 10**400}, [1, "2"], [1, b"2"], {"error": "1", "rate": 2}, bytearray(b"12"),
                {1.0, 2.0}, [1, None], [[1], [2]], [1, [2]], Broken(), [1, Broken()], [1, Decimal("1e999")], [1, Decimal("sNaN")], object(), [1, 2j],
                (10**400 for _ in range(2)), Result([1, 2], b"12345678", ()), Result([1, 2], [10**400], [1]), Result([1, 2], None, None),
                Result({1, 2}), Result([1, 2], [[1]], [1]),
            ][seed])
        """
        want = [
            "the model returned None: want a number; is a return missing?",
            "the model returned [1]: 1 number, want 2: error, rate",
            "the model returned [1, 2, 3]: 3 numbers, want 2: error, rate",
            "the model returned {'error': 1}: no rate in it",
            "the fitness is not finite: error = 1.0, rate = nan",
            "the fitness is not finite: error = 1.0, rate = -inf",
            "the model returned '12': want a number, not a text",
            "the model returned [1, 'x']: want a number, not 'x'",
            "the model returned 1j: ",
            "the model returned [1000000",
            "the model returned ",
            "the model returned {'error': 1, 'rate': 10000",
            "the model returned [1, '2']: want a number, not '2'",
            "the model returned [1, b'2']: want a number, not b'2'",
            "the model returned {'error': '1', 'rate': 2}: want a number, not '1'",
            "the model returned bytearray(b'12'): want a number, not a text",
            "the model returned {1.0, 2.0}: want numbers in the order of the objectives; a set has no order",
            "the model returned [1, None]: ",
            "the model returned [[1], [2]]: ",
            "the model returned [1, [2]]: ",
            "the model returned a value of type Broken: Traceback",
            "the model returned a value of type list: Traceback",
            "the fitness is not finite: error = 1.0, rate = inf",
            "the model returned [1, Decimal('sNaN')]: ",
            "the model returned <object object",
            "the model returned [1, 2j]: ",
            "the model returned <generator",
            "the model returned Result(fitness=[1, 2], outputs=b'12345678', targets=()): outputs and targets: want numbers, not bytes",
            "the model returned Result(",
            "the model returned Result(fitness=[1, 2], outputs=None, targets=None): ",
            "the model returned Result(fitness={1, 2}",
            "the model returned Result(fitness=[1, 2], outputs=[[1]], targets=[1]): ",
        ]
        for worker in self.each(script, objectives=("error", "rate")):
            for i, text in enumerate(want):
                (result,) = worker.evaluate({"params": {"tau": 1}, "seed": i, "instance": 0})
                self.assertEqual(list(result), ["error"])
                self.assertTrue(result["error"].startswith(text), result)
                self.assertIsNone(worker.process.poll(), "the worker ended")

    @unittest.skipUnless(NUMPY, "there is no numpy")
    def test_numbers_of_numpy_are_numbers(self):
        script = """
            import numpy as np
            from decimal import Decimal
            from l2l_optimizee import serve

            serve(lambda seed: [
                np.float64(0.5), np.float32(0.5), np.array(0.5), np.array([0.5]), np.array([0.5], dtype=object), Decimal("0.5"), [np.array(0.5)],
                np.float16(0.5), 5e-324, np.uint64(2**63), np.bool_(True), np.array([0.5, 1]), np.array([[0.5]]), np.array("0.5"), np.complex128(1), np.array([None]),
            ][seed])
        """
        worker = self.serve(script, numpy=True)
        for seed in range(16):
            (result,) = worker.evaluate({"params": {"tau": 1}, "seed": seed, "instance": 0})
            want = {8: 5e-324, 9: 2.0**63, 10: 1.0}.get(seed, 0.5)
            if seed < 11:
                self.assertEqual(result, {"fitness": vector([want])}, seed)
            else:
                self.assertEqual(list(result), ["error"], seed)

    def test_an_exception_is_an_error_with_the_model_s_own_lines(self):
        script = """
            import sys
            from l2l_optimizee import serve

            def deep(n):
                if n == 0:
                    raise ValueError("\\udcff no such synapse")
                deep(n - 1)

            def evaluate(params, seed):
                if seed == 1:
                    sys.exit(3)
                deep(seed)

            serve(evaluate)
        """
        for worker in self.each(script):
            error = worker.evaluate({"params": {"tau": 1}, "seed": 2, "instance": 0})[0]["error"]
            self.assertIn("in deep\n", error)
            self.assertTrue(error.endswith("ValueError: ? no such synapse"), error)
            self.assertNotIn("l2l_optimizee", error.replace("from l2l_optimizee", ""))
            error = worker.evaluate({"params": {"tau": 1}, "seed": 1, "instance": 0})[0]["error"]
            self.assertIn("SystemExit: 3\nthe program wanted to exit", error)
            error = worker.evaluate({"params": {"tau": 1}, "seed": 500, "instance": 0})[0]["error"]
            self.assertLess(len(error), 3100)
            self.assertEqual(worker.end()[0], 0)

    def test_a_function_is_given_what_it_asks_for_by_name(self):
        script = """
            from l2l_optimizee import serve

            def evaluate(directory, constants, seed, params, instance, more=7):
                assert (params, seed, instance, constants, directory, more) == ({"tau": 3.0}, 5, 2, {"dt": 0.1}, "/scratch", 7), locals()
                return 1

            serve(evaluate)
        """
        for worker in self.each(script, constants={"dt": 0.1}):
            result = worker.evaluate({"params": {"tau": 3.0}, "seed": 5, "instance": 2, "dir": "/scratch"})
            self.assertEqual(result, [{"fitness": vector([1])}])

    def test_setup_is_called_once_with_the_constants_and_its_exception_is_told(self):
        script = """
            from l2l_optimizee import serve

            calls = []

            def setup(constants):
                calls.append(constants)
                if constants.get("broken"):
                    raise RuntimeError("no such cell")

            serve(lambda **all: len(calls) + calls[0]["n"], setup=setup)
        """
        for worker in self.each(script, constants={"n": 10}):
            self.assertEqual([worker.evaluate(tau=1) for _ in range(3)], [{"fitness": vector([11])}] * 3)
        for worker in self.each(script, constants={"broken": True}):
            self.assertTrue(worker.ready["error"].endswith("RuntimeError: no such cell"), worker.ready)

    def test_outputs_and_targets_arrive_as_many_as_are_wanted(self):
        script = """
            from l2l_optimizee import Result, serve

            serve(lambda seed: Result(1, [0.5] * seed, [2] * seed) if seed != 3 else Result(1, [float("nan")] * 4, [1] * 4))
        """
        for worker in self.each(script, outputs=4):
            ask = lambda seed: worker.evaluate({"params": {"tau": 1}, "seed": seed, "instance": 0})[0]
            self.assertEqual(ask(4), {"fitness": vector([1]), "outputs": vector([0.5] * 4), "targets": vector([2] * 4)})
            self.assertEqual(ask(2), {"error": "the model returned 2 outputs and 2 targets, want 4"})
            self.assertEqual(ask(3), {"error": "an output or a target is not finite"})

    def test_a_batch_is_one_call(self):
        script = """
            from l2l_optimizee import serve

            def batch(evaluations):
                if evaluations[0].seed == 99:
                    raise MemoryError("too many")
                return [len(evaluations) + e.params["tau"] for e in evaluations][: 3]

            serve(batch=batch)
        """
        for worker in self.each(script):
            es = lambda n, seed=1: [{"params": {"tau": i}, "seed": seed, "instance": 0} for i in range(n)]
            self.assertEqual(worker.evaluate(*es(3)), [{"fitness": vector([3 + i])} for i in range(3)])
            self.assertIn("batch returned 3 results, want 4", worker.evaluate(*es(4))[3]["error"])
            self.assertIn("MemoryError: too many", worker.evaluate(*es(2, 99))[1]["error"])
            self.assertEqual(len(worker.evaluate(*es(1))), 1)

    def test_how_long_the_model_took_is_told_where_it_is_asked_for(self):
        script = """
            import time
            from l2l_optimizee import serve

            def evaluate(params):
                time.sleep(0.02)
                return params["tau"]

            serve(evaluate)
        """
        for worker in self.each(script):
            es = [{"params": {"tau": 1}, "seed": 1, "instance": 0}] * 2
            self.assertNotIn("seconds", worker.ask({"evaluations": es}))
            self.assertGreaterEqual(worker.ask({"evaluations": es, "profile": True})["seconds"], 0.04)

    def test_vectors_are_lists_or_arrays(self):
        script = """
            from l2l_optimizee import serve

            def evaluate(params):
                raise RuntimeError(str({name: (type(v).__name__, type(v[0]).__name__, [*map(str, v)]) for name, v in params.items()}))

            serve(evaluate)
        """
        kinds = {"f": "float", "i": "int", "b": "bool", "c": "categorical"}
        parameters = [{"name": name, "kind": kind, "size": 2} for name, kind in kinds.items()]
        for numpy in [False] + [True] * NUMPY:
            for worker in self.each(script, parameters=parameters, numpy=numpy):
                error = worker.evaluate(f=vector([1, 0.5]), i=[1, 2], b=[True, False], c=["x", "y"])["error"]
                array = "ndarray" if numpy else "list"
                floats = "ndarray" if numpy else "array"
                types = ("float64", "int64", "bool") if numpy else ("float", "int", "bool")
                want = {
                    "f": (floats, types[0], ["1.0", "0.5"]),
                    "i": (array, types[1], ["1", "2"]),
                    "b": (array, types[2], ["True", "False"]),
                    "c": ("list", "str", ["x", "y"]),
                }
                self.assertTrue(error.replace("'bool_'", "'bool'").endswith(f"RuntimeError: {want}"), error)

    def test_numpy_is_not_loaded_without_vectors(self):
        script = """
            import sys
            from l2l_optimizee import serve

            serve(lambda: "numpy" in sys.modules)
        """
        for worker in self.each(script, numpy=NUMPY):
            self.assertEqual(worker.evaluate(tau=1), {"fitness": vector([0])})

    def test_a_hanging_model_tells_where_it_hangs_when_it_is_ended(self):
        script = """
            import time
            from l2l_optimizee import serve

            def evaluate(params):
                print("about to hang")
                time.sleep(1000)

            serve(evaluate)
        """
        worker = self.serve(script)
        worker.send({"evaluations": [{"params": {"tau": 1.0}, "seed": 1, "instance": 0}]})
        self.assertEqual(worker.process.stdout.readline(), "about to hang\n")  # at once, though it is no terminal
        time.sleep(0.1)
        worker.process.send_signal(signal.SIGTERM)
        _, err = worker.process.communicate(timeout=120)
        self.assertEqual(worker.process.returncode, -signal.SIGTERM)
        self.assertRegex(err, r'line \d+ in evaluate')

    def test_children_do_not_inherit_the_connection(self):
        script = """
            import os, subprocess, sys
            from l2l_optimizee import serve

            LIST = "import os; print({os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{fd}')})"
            pipes = [os.readlink("/proc/self/fd/" + os.environ[v]) for v in ("L2L_FD_IN", "L2L_FD_OUT")]

            def seen(links):
                return sum(p in links for p in pipes)

            def in_fork(function):
                pid = os.fork()
                if pid == 0:
                    try:
                        os._exit(function())
                    finally:
                        os._exit(99)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

            def own():
                links = set()
                for fd in os.listdir("/proc/self/fd"):
                    try:
                        links.add(os.readlink("/proc/self/fd/" + fd))
                    except OSError:
                        pass  # that of the listing
                return seen(links)

            def evaluate(seed):
                if seed == 0:
                    assert own() == 2
                    return in_fork(own)
                if seed == 1:
                    return in_fork(lambda: in_fork(own))
                if seed == 2:
                    return seen(subprocess.run([sys.executable, "-c", LIST], close_fds=False, capture_output=True, text=True, check=True).stdout)
                return int(subprocess.run("env | grep -c ^L2L_FD", shell=True, capture_output=True, text=True).stdout)

            serve(evaluate)
        """
        for worker in self.each(script):
            for seed in range(4):
                (result,) = worker.evaluate({"params": {"tau": 1}, "seed": seed, "instance": 0})
                self.assertEqual(result, {"fitness": vector([0])})

    def test_messages_of_any_size_pass(self):
        n = 300_000
        script = """
            from l2l_optimizee import Result, serve

            serve(lambda params: Result(sum(params["w"]), params["w"], params["w"]))
        """
        for worker in self.each(script, parameters=[{"name": "w", "kind": "float", "size": n}], outputs=n):
            # What does not fit into a pipe must be written while the answer is read; the worker reads all before it answers.
            result = worker.evaluate(w=vector([1.0] * n))
            self.assertEqual(result["fitness"], vector([n]))
            self.assertEqual(result["targets"], vector([1.0] * n))

    def test_a_function_that_cannot_be_called_is_refused_at_once(self):
        from l2l_optimizee import serve

        with self.assertRaisesRegex(TypeError, "wants 'parameters'; it can be given params, seed, instance, constants, directory"):
            serve(lambda parameters: 1)
        with self.assertRaisesRegex(TypeError, "either a function"):
            serve()
        with self.assertRaisesRegex(TypeError, "either a function"):
            serve(lambda params: 1, batch=lambda es: [])

    def test_a_callable_without_a_signature_is_given_three_values(self):
        script = """
            from l2l_optimizee import serve

            serve(lambda *values: len(values))
        """
        for worker in self.each(script):
            self.assertEqual(worker.evaluate(tau=1), {"fitness": vector([3])})


class TestRequired(unittest.TestCase):
    @unittest.skipUnless("L2L_TEST_PACKAGES" in os.environ, "msgpack and numpy are not required here")
    def test_msgpack_and_numpy_are_there(self):
        self.assertEqual((MSGPACK, NUMPY), ([False, True], True))


if __name__ == "__main__":
    unittest.main()
