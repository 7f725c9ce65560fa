"""A model that behaves as its parameter act says."""

import os
import signal
import subprocess
import sys
import time

import l2l_optimizee
from l2l_optimizee import Result, serve

if "L2L_TEST_IMPORTS" in os.environ:
    with open(os.environ["L2L_TEST_IMPORTS"], "a") as f:
        print(os.getpid(), file=f)


def hang():
    time.sleep(1000)


def frame(fd, message):
    os.write(fd, len(message).to_bytes(4, "little") + message)


def evaluate(params, seed, instance, constants, directory):
    act = params.get("act", "ok")
    print("this is stdout of", act)
    print("this is stderr of", act, file=sys.stderr)
    if act == "raise":
        raise ValueError("tau is too long")
    if act == "exit0":
        os._exit(0)
    if act == "exit3":
        os._exit(3)
    if act == "sysexit":
        sys.exit(0)
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "abort":
        os.abort()
    if act == "hang":
        hang()
    if act == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
    if act == "flood":
        line = b"x" * 1023 + b"\n"
        for _ in range(100 * 1024):
            os.write(1, line)
    if act == "garbage":
        frame(constants["fd_out"], b"\xc1 this is no message")
        hang()
    if act == "text":
        os.write(constants["fd_out"], b"Segmentation fault (core dumped)\n")
        hang()
    if act == "number":
        frame(constants["fd_out"], b"\x03")
        hang()
    if act == "torn":
        os.write(constants["fd_out"], b"\x10\x00\x00\x00abc")
        os._exit(0)
    if act == "nan":
        return float("nan")
    if act == "few":
        return [1.0]
    if act == "none":
        return None
    if act == "children":
        subprocess.Popen(["sleep", "1000"])
        os._exit(1)
    if act == "daemon":
        subprocess.Popen(["sleep", "3"], start_new_session=True)
        os._exit(1)
    if act == "leak":  # a child of a child must not see the connection
        seen = subprocess.run([sys.executable, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')), [v for v in os.environ if v.startswith('L2L_FD')])"], capture_output=True, text=True)
        raise RuntimeError(seen.stdout)
    if act == "environment":
        raise RuntimeError(" ".join(sorted(k + "=" + v for k, v in os.environ.items() if k.startswith(("OMPI_", "SLURM_", "PMI", "MODEL_")))))
    if act == "affinity":
        raise RuntimeError(str(len(os.sched_getaffinity(0))))
    if act == "types":
        raise RuntimeError(repr({k: (type(v).__name__, v) for k, v in params.items()}) + repr((seed, instance, constants)))
    tau = params["tau"]
    return {"error": (tau - 10) ** 2, "rate": seed % 1000 + instance}


if __name__ == "__main__":
    if "L2L_TEST_VERSION" in os.environ:
        l2l_optimizee._serve.PROTOCOL = int(os.environ["L2L_TEST_VERSION"])
    if "L2L_TEST_NO_HELLO" in os.environ:
        print("usage: model FILE", file=sys.stderr)
        sys.exit(int(os.environ["L2L_TEST_NO_HELLO"]))
    serve(evaluate, setup=lambda constants: exec(constants.get("setup", "")))
