"""A worker that speaks JSON, without any library: what it takes. Its fitness is the first of its parameters, for each objective; with a constant
answer it gives that, word for word."""

import json
import os

requests, answers = os.fdopen(int(os.environ["L2L_FD_IN"]), "rb"), os.fdopen(int(os.environ["L2L_FD_OUT"]), "wb")


def receive():
    head = requests.read(4)
    return json.loads(requests.read(int.from_bytes(head, "little"))) if head else None


def send(message):
    data = message.encode()
    answers.write(len(data).to_bytes(4, "little") + data)
    answers.flush()


def first(value):
    return first(value[0]) if isinstance(value, list) else value


send(json.dumps({"protocol": 1, "encoding": "json"}))
setup = receive()
send("{}")
name = setup["parameters"][0]["name"]
while True:
    request = receive()
    if request is None:
        break
    if "answer" in (setup["constants"] or {}):
        send(setup["constants"]["answer"])
    else:
        send(json.dumps({"results": [{"fitness": [first(e["params"][name])] * len(setup["objectives"])} for e in request["evaluations"]]}))
