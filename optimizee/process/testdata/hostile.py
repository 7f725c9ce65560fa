"""A worker that speaks JSON, in the version that the environment says. Its fitness is its parameter x; where the parameter act is not "ok", it
answers in that way."""

import json
import os
import signal
import socket
import sys
import time

version = int(os.environ["VERSION"])
if "L2L_SOCKET" in os.environ:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["L2L_SOCKET"])
    fd_in = fd_out = connection.detach()
else:
    fd_in, fd_out = int(os.environ["L2L_FD_IN"]), int(os.environ["L2L_FD_OUT"])


def read(size):
    data = b""
    while len(data) < size:
        chunk = os.read(fd_in, size - len(data))
        if not chunk:
            sys.exit()
        data += chunk
    return data


def receive():
    return json.loads(read(int.from_bytes(read(4), "little")))


def write(data):
    while data:
        data = data[os.write(fd_out, data) :]


def frame(text):
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def answer(number, message):
    return frame(json.dumps({"number": number, **message} if version > 1 else message))


def in_grandchild(deed):
    """Do something in a process that nobody waits for and that has a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            deed()
        os._exit(0)
    os.wait()


def said():
    """Tell that more has been written than was asked for, where it was not written together with the answer."""
    open(os.environ["SAID"], "w").close()


def later(data, seconds):
    def deed():
        time.sleep(seconds)
        write(data)
        said()
        time.sleep(1000)

    in_grandchild(deed)


write(frame(json.dumps({"protocol": version, "encoding": "json"})))
write(answer(receive().get("number"), {}))
while True:
    request = receive()
    number, params = request.get("number"), request["evaluations"][0]["params"]
    act = params["act"]
    good, wrong = answer(number, {"results": [params["x"]]}), answer(number, {"results": [-1]})
    if act == "ok":
        write(good)
    elif act == "twice":
        write(good + wrong)
    elif act == "early":  # an answer to the next request
        write(good + answer((number or 0) + 1, {"results": [-1]}))
    elif act == "an answer again, late":
        write(good)
        later(wrong, 0.05)
    elif act == "after the timeout":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(write(wrong)))
        time.sleep(1000)
    elif act == "by a grandchild, after the timeout":
        later(wrong, 1.1)
        time.sleep(1000)
    elif act == "never":
        time.sleep(1000)
    elif act == "too much":
        write(frame(json.dumps({"number": number, "results": ["x" * 2_000_000]})))
    elif act == "without end":
        write(good + wrong)
        while True:
            write(wrong * 1000)
    elif act == "a frame without end":
        write((1_000_000).to_bytes(4, "little"))
        while True:
            write(b"[" * 10_000)
            time.sleep(0.05)
    elif act == "by a grandchild":
        later(good, 0.05)
    elif act == "by a grandchild, after its death":
        later(wrong, 5)  # by when its death has been seen, however busy the machine is
        os._exit(0)
    elif act == "half":
        write(good[:-3])
        time.sleep(1000)
    elif act == "half, and death":
        write(good[:-3])
        os._exit(0)
    elif act == "half a length, and death":
        write(good[:2])
        os._exit(0)
    elif act == "garbage":
        write(frame("\x00{{"))
    elif act == "huge":
        write((0xFFFFFFFF).to_bytes(4, "little"))
    elif act == "another number":
        write(frame(json.dumps({"number": 77, "results": [-1]})))
    elif act == "another message":
        write(answer(number, {"points": [[1.0]]}))
    elif act == "many":
        write(answer(number, {"results": [-1, -1]}))
    elif act == "closed":
        os.close(fd_out)
        time.sleep(1000)
