"""A server that speaks JSON, in the version and in the way that its arguments say. To each request {"value": x} it answers x. When it has written
all that it writes to one, the file of the last argument grows by a byte."""

import json
import os
import sys
import time

version, deed, said = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "ab", 0)
requests, answers = os.fdopen(int(os.environ["L2L_FD_IN"]), "rb"), int(os.environ["L2L_FD_OUT"])


def receive():
    head = requests.read(4)
    if not head:
        sys.exit()
    return json.loads(requests.read(int.from_bytes(head, "little")))


def frame(text):
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def write(data):
    while data:
        data = data[os.write(answers, data) :]


def answer(number, value):
    return frame(json.dumps({"number": number, "value": value} if version > 1 else {"value": value}))


write(frame(json.dumps({"protocol": version, "encoding": "json"})))
write(answer(receive().get("number"), "ready"))
if deed == "early":  # before it is asked
    write(answer(2, "early"))
while True:
    said.write(b".")
    request = receive()
    number, value = request.get("number"), request["value"]
    good = answer(number, value)
    if deed == "twice":
        write(good + answer(number, "again"))
    elif deed == "thrice":
        write(good + answer(number, "again") + answer(number, "and again"))
    elif deed == "late":
        write(good)
        time.sleep(0.02)
        write(answer(number, "again"))
    elif deed == "ahead":  # the next one, too
        write(good + answer((number or 0) + 1, "ahead"))
    elif deed == "before":
        write(answer((number or 0) - 1, "an old one") + good)
    elif deed == "another number":
        write(frame(json.dumps({"number": 77, "value": value})))
    elif deed == "a text as number":
        write(frame(json.dumps({"number": str(number), "value": value})))
    elif deed == "no number":
        write(frame(json.dumps({"value": value})))
    elif deed == "no object":
        write(frame(json.dumps([value])))
    elif deed == "too much":
        write(good + b"x" * (1 << 16))  # more would wait for somebody who reads it
    elif deed == "a byte":
        write(good + b"x")
    elif deed == "too long":
        write((1 << 30).to_bytes(4, "little") + b"x" * 1000)
    elif deed == "garbage":
        write(frame("\x00\xff{{"))
    elif deed == "more fields":
        write(frame(json.dumps({"number": number, "value": value, "measurements": {"rate": 3}, "from_the_future": [1]})))
    elif deed == "torn":
        write(good[:-3])
        os._exit(0)
    else:
        write(good)
