"""The part of l2l-mpi, for tests: starts a script as a worker and talks to it."""

import atexit
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from array import array

try:
    import msgpack
except ImportError:
    from l2l_optimizee import _msgpack as msgpack

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")

#: Whether a worker may use the module msgpack, as far as this interpreter has it.
MSGPACK = [False] + [True] * (importlib.util.find_spec("msgpack") is not None)

NUMPY = importlib.util.find_spec("numpy") is not None

TAU = {"name": "tau", "kind": "float", "size": 0, "unit": "ms"}


def environment(blocked=()):
    """An environment in which a script finds l2l_optimizee, and does not find some modules though they are installed."""
    directory = tempfile.mkdtemp(prefix="l2l-blocked-")
    atexit.register(shutil.rmtree, directory)
    for name in blocked:
        with open(os.path.join(directory, name + ".py"), "w") as f:
            f.write(f"raise ImportError('{name} is blocked')\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([directory, SOURCE])}


class Worker:
    """A script that serves."""

    def __init__(self, script, msgpack=False, parameters=(TAU,), objectives=("error",), outputs=0, constants=None, numpy=False, setup=None):
        blocked = ["msgpack"] * (not msgpack) + ["numpy"] * (not numpy)
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        env = {**environment(blocked), "L2L_FD_IN": str(their_in), "L2L_FD_OUT": str(their_out)}
        self._file = tempfile.NamedTemporaryFile("w", suffix=".py")
        self._file.write(textwrap.dedent(script))
        self._file.flush()
        self.process = subprocess.Popen(
            [sys.executable, self._file.name], pass_fds=[their_in, their_out], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        os.close(their_in)
        os.close(their_out)
        self.hello = json.loads(self.receive_raw())
        setup = setup or {
            "protocol": 2,
            "role": "optimizee",
            "parameters": list(parameters),
            "objectives": [{"name": o, "direction": "minimise"} for o in objectives],
            "outputs": outputs,
            "constants": constants,
        }
        self.number = 0
        self.ready = self.ask(setup)

    def receive_raw(self):
        def exactly(n):
            data = b""
            while len(data) < n:
                chunk = os.read(self._in, n - len(data))
                if not chunk:
                    raise EOFError(self.process.communicate(timeout=120))
                data += chunk
            return data

        return exactly(int.from_bytes(exactly(4), "little"))

    def send(self, message):
        self.number += 1
        data = msgpack.packb({"number": self.number, **message})
        os.write(self._out, len(data).to_bytes(4, "little") + data)

    def ask(self, message):
        self.send(message)
        answer = msgpack.unpackb(self.receive_raw())
        if answer.pop("number") != self.number:
            raise AssertionError(f"{answer} is not the answer to message {self.number}")
        return answer

    def evaluate(self, *evaluations, **params):
        """The results of evaluations, or the only result of one with these parameters."""
        if params:
            return self.evaluate({"params": params, "seed": 5, "instance": 2})[0]
        return self.ask({"evaluations": list(evaluations)})["results"]

    def end(self):
        """End the worker in order, and return what it printed."""
        self.close()
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def close(self):
        for fd in (self._in, self._out):
            if fd >= 0:
                os.close(fd)
        self._in = self._out = -1

    def stop(self):
        """End the worker in any way."""
        self.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        self._file.close()


class Case(unittest.TestCase):
    def serve(self, script, **kwargs):
        worker = Worker(script, **kwargs)
        self.addCleanup(worker.stop)
        return worker

    def each(self, script, **kwargs):
        """A worker for each way to read messages."""
        for msgpack in MSGPACK:
            yield self.serve(script, msgpack=msgpack, **kwargs)


def vector(values):
    """A vector of floats as it travels."""
    return array("d", values).tobytes()
