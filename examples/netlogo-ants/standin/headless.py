"""A stand-in for the command line of NetLogo's netlogo-headless.sh, and for nothing else: it is no NetLogo.

It is here because no package of PyPI, npm, Maven Central or Debian was found that has NetLogo itself, and the tests install nothing else. It
takes the options of NetLogo 6.4.0, reads the experiment of BehaviorSpace and the size of the world from the model's file, and writes the table that
BehaviorSpace writes, also after an error. The code of the model it does not read: what it runs is colony.py, which is that of ants.nlogo in Python. With
NETLOGO=/path/to/netlogo-headless.sh in the environment, the example runs NetLogo instead.
"""

import csv
import os
import sys
import time
import xml.etree.ElementTree as xml

from colony import EDGE, Colony

VERSION = "NetLogo 6.4.0"
WITH_VALUE = ["--model", "--setup-file", "--experiment", "--table", "--spreadsheet", "--stats", "--lists", "--threads",
              "--min-pxcor", "--max-pxcor", "--min-pycor", "--max-pycor"]
ALONE = ["--headless", "--suppress-errors", "--update-plots"]
METRICS = {
    "ticks": lambda colony: colony.ticks,
    "fitness": lambda colony: colony.fitness,
    "precision fitness 2": lambda colony: round(colony.fitness, 2),
    "food-home": lambda colony: colony.food_home,
}


def die(message):
    print(message, file=sys.stderr)
    sys.exit(1)


def parse(argv):
    options, rest = {}, iter(argv)
    for word in rest:
        word = word.lower()
        if word == "--version":
            print(VERSION)
            sys.exit()
        elif word in WITH_VALUE:
            options[word] = next(rest, None)
            if options[word] is None:
                die(f"missing argument after {word}")
        elif word not in ALONE:
            die(f"unknown argument: {word}")
    size = [options.get(name) for name in WITH_VALUE[-4:]]
    if "--model" not in options:
        die("You must specify --model.  Try --help for more information.")
    if "--experiment" not in options and "--setup-file" not in options:
        die("You must specify either --setup-file or --experiment (or both).  Try --help for more information.")
    if any(size) and not all(size):
        die("If any of min/max-px/ycor are specified, all four must be specified.  Try --help for more information.")
    for name in "--spreadsheet", "--stats", "--lists":
        if name in options:
            die(f"{name}: the stand-in for NetLogo writes tables only")
    return options


def experiment(options, text):
    """The experiment that is asked for, as the XML element of the setup file or of the model."""
    if "--setup-file" in options:
        with open(options["--setup-file"]) as file:
            text = file.read()
    for e in xml.fromstring(text).iter("experiment"):
        if options.get("--experiment", e.get("name")) == e.get("name"):
            return e
    die("Invalid run, specify experiment name or setup file")


def shown(value):
    """A value as BehaviorSpace writes it: whole numbers have no fraction."""
    return str(int(value)) if value == int(value) else str(value)


def setup(model, population):
    """What the procedure setup of ants.nlogo does."""
    def rows(name):
        with open(os.path.join(os.path.dirname(model), name), newline="") as file:
            return [[*row] for row in csv.reader(file)]
    weights = [float(w) for w in rows("params.csv")[1]]
    seed, world = map(int, rows("task.csv")[0])
    return Colony(weights[:13], weights[13:26], weights[26:39], seed, world, population)


def main():
    options = parse(sys.argv[1:])
    model = options["--model"]
    with open(model) as file:
        sections = file.read().split("@#$#@#$#@\n")
    view = sections[1].split()  # GRAPHICS-WINDOW and its 25 settings
    size = [options.get(name, view[17 + i]) for i, name in enumerate(WITH_VALUE[-4:])]
    if size != [str(-EDGE), str(EDGE)] * 2:
        die("the stand-in for NetLogo knows the world of ants.nlogo only")

    e = experiment(options, sections[7])
    if (e.findtext("setup"), e.findtext("go"), len(e.findall("enumeratedValueSet"))) != ("setup", "go", 1):
        die("the stand-in for NetLogo knows the commands setup and go, and the variable population")
    every_step = e.get("runMetricsEveryStep") == "true"
    steps = int(e.find("timeLimit").get("steps"))
    metrics = [m.text for m in e.iter("metric")]
    for m in metrics:
        if m not in METRICS:
            die(f"Nothing named {m.upper()} has been defined.")
    values = e.find("enumeratedValueSet")

    path = options.get("--table", os.devnull)
    out = sys.stdout if path == "-" else open(path, "w")
    table = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    now = time.time()
    table.writerow([f"BehaviorSpace results ({VERSION})", "Table version 2.0"])
    table.writerow([model])
    table.writerow([e.get("name")])
    table.writerow([time.strftime(f"%m/%d/%Y %H:%M:%S:{int(now % 1 * 1000):03} +0000", time.gmtime(now))])
    table.writerow([name.strip("-") for name in WITH_VALUE[-4:]])
    table.writerow(size)
    table.writerow(["[run number]", values.get("variable"), "[step]", *metrics])
    run = 0
    for value in values.iter("value"):
        for _ in range(int(e.get("repetitions", 1))):
            run += 1
            try:
                colony = setup(model, int(value.get("value")))
            except (OSError, ValueError, IndexError) as error:  # NetLogo goes on to the next run, and exits with 0
                print(f"Run #{run}, RUNTIME ERROR: {error}", file=sys.stderr)
                after = {"ticks": "<RuntimePrimitiveException>"}  # the clock has not been set; the other variables are 0
                table.writerow([run, value.get("value"), steps, *(after.get(m, "0") for m in metrics)])
                continue
            for step in range(steps + 1):
                if step > 0:
                    colony.go()
                if every_step or step == steps:
                    table.writerow([run, value.get("value"), step, *(shown(METRICS[m](colony)) for m in metrics)])


if __name__ == "__main__":
    main()
