"""A model of which the parameter fate says how an evaluation ends: in one of twenty kinds of failure, in a hang, or well."""

import ctypes
import os
import resource
import signal
import struct
import sys
import time

from l2l_optimizee import serve

OUT = int(os.environ["L2L_FD_OUT"])


def send(data):
    while data:
        data = data[os.write(OUT, data) :]


def frame(data):
    return len(data).to_bytes(4, "little") + data


def deeper(n):
    return deeper(n + 1) + 1


def out_of_memory():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (64 << 20), hard))
    try:
        return len(bytearray(1 << 30))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def survivor():
    """A process that leaves the group, the session and its parent, and holds the connection."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1000)
        os._exit(0)
    os.wait()
    os._exit(1)


def flood():
    for _ in range(100):
        os.write(1, b"x" * 50_000)
    os._exit(3)


def half():
    send(frame(b"\x81\xa6number\x01")[:8])
    os._exit(0)


def closed():
    os.close(OUT)
    time.sleep(1000)


def late(number):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(send(answer(number, -2))))
    time.sleep(1000)


def answer(number, value):
    """A whole answer."""
    return frame(b"\x82\xa6number\xce" + number.to_bytes(4, "big") + b"\xa7results\x91\xcb" + struct.pack(">d", value))


def evaluate(params, seed):
    global asked
    asked += 1
    fate = int(params["fate"])
    if fate == 0:
        raise ValueError("no spikes")
    if fate == 1:
        return float("nan")
    if fate == 2:
        return float("inf")
    if fate == 3:
        return [1.0, 2.0]
    if fate == 4:
        return "many"
    if fate == 5:
        return None
    if fate == 6:
        return 10**400
    if fate == 7:
        flood()
    if fate == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == 9:
        ctypes.string_at(0)
    if fate == 10:
        return out_of_memory()
    if fate == 11:
        send(frame(b"\xc1 this is no message"))
        time.sleep(1000)
    if fate == 12:
        send(b"Segmentation fault (core dumped)\n")
        time.sleep(1000)
    if fate == 13:
        closed()
    if fate == 14:
        half()
    if fate == 15:  # two answers
        send(answer(asked + 1, fate + params["x"]))
        return -2
    if fate == 16:
        return deeper(0)
    if fate == 17:
        survivor()
    if fate == 18:
        send(frame(bytes(2_000_000)))
    if fate == 19:
        sys.exit(4)
    if fate == 20:
        time.sleep(1000)
    if fate == 21:
        late(asked + 1)
    return fate + params["x"]


asked = 0
serve(evaluate)
