"""A script without l2l-mpi."""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import NUMPY, environment

MODEL = """
    import os
    from l2l_optimizee import Result, serve

    def evaluate(params, seed, instance, constants, directory):
        assert os.path.isdir(directory)
        if params["tau"] == "x":
            raise ValueError("tau is no number")
        if constants.get("outputs"):
            return Result({"error": 1, "rate": 2}, [3, 4], [5, 6])
        return params["tau"] + sum(params.get("w", [])) + seed + 10 * instance

    if __name__ == "__main__":
        serve(evaluate, setup=lambda constants: constants["fail"] if "fail" in constants and not constants["fail"] else None)
"""


class TestDryRun(unittest.TestCase):
    def run_model(self, *arguments, blocked=()):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "model.py")
            with open(path, "w") as f:
                f.write(textwrap.dedent(MODEL))
            p = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True, env=environment(blocked), timeout=120)
        return p.returncode, p.stdout, p.stderr

    def test_the_parameters_of_the_command_line_are_evaluated(self):
        for blocked in ["numpy"], []:
            code, out, err = self.run_model("--param", "tau=10", "--param", "w=[1, 2.5]", "--seed", "100", "--instance", "3", blocked=blocked)
            self.assertEqual((code, out), (0, "fitness 143.5\n"), err)

    def test_outputs_are_shown(self):
        code, out, _ = self.run_model("--param", "tau=10", "--constant", "outputs=true")
        self.assertEqual((code, out), (0, "fitness 1.0 2.0\noutputs 3.0 4.0\ntargets 5.0 6.0\n"))

    def test_a_failure_is_shown(self):
        code, out, err = self.run_model("--param", "tau=x")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("ValueError: tau is no number", err)
        code, _, err = self.run_model("--param", "tau")
        self.assertEqual((code, err), (1, "tau: want NAME=VALUE\n"))

    def test_without_arguments_it_says_how_to_call_it(self):
        code, out, _ = self.run_model()
        self.assertEqual(code, 0)
        self.assertIn("--param NAME=VALUE", out)
        self.assertIn("Not started by l2l-mpi", out)


if __name__ == "__main__":
    unittest.main()
