"""Reads each NAME.csv of a directory, the tables of the same name in other formats, as users of Python would, and those that l2l_optimizee makes of the
directory of the run itself, and compares every cell."""

import csv
import json
import math
import pathlib
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.feather
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet as pq
from l2l_optimizee import load_run

READERS = {
    "pandas parquet": lambda p: pandas(pd.read_parquet(p + ".parquet")),
    "pandas arrow": lambda p: pandas(pd.read_feather(p + ".arrow")),
    "pandas csv": lambda p: pandas(pd.read_csv(p + ".csv")),
    "pandas jsonl": lambda p: pandas(pd.read_json(p + ".jsonl", lines=True, dtype=False, precise_float=True)),
    "pyarrow parquet": lambda p: pq.read_table(p + ".parquet").to_pydict(),
    "pyarrow arrow": lambda p: pyarrow.ipc.open_file(p + ".arrow").read_all().to_pydict(),
    "polars parquet": lambda p: pl.read_parquet(p + ".parquet").to_dict(as_series=False),
    "polars arrow": lambda p: pl.read_ipc(p + ".arrow").to_dict(as_series=False),
    "polars csv": lambda p: pl.read_csv(p + ".csv", infer_schema_length=None).to_dict(as_series=False),
    "duckdb parquet": lambda p: duck(f"select * from '{p}.parquet'"),
    "duckdb csv": lambda p: duck(f"select * from read_csv('{p}.csv', header=true, sample_size=-1)"),
    "numpy npz": lambda p: {k: v.tolist() for k, v in np.load(p + ".npz").items() if k != "l2l"},
    "json": lambda p: lines(p + ".jsonl"),
}

#: JSON Lines of columns that hold values of several types, or a vector of them, are no frame to these.
UNMIXED = {
    "polars jsonl": lambda p: pl.read_ndjson(p + ".jsonl", infer_schema_length=None).to_dict(as_series=False),
    "duckdb jsonl": lambda p: duck(f"select * from read_json('{p}.jsonl', sample_size=-1)"),
}


def pandas(frame):
    return {c: frame[c].tolist() for c in frame.columns}


def duck(query):
    relation = duckdb.sql(query)
    rows = relation.fetchall()
    return {c: [row[i] for row in rows] for i, c in enumerate(relation.columns)}


def lines(path):
    rows = [json.loads(line) for line in open(path)]
    return {c: [row[c] for row in rows] for c in rows[0]}


def same(text, value):
    """Whether a value is what a cell of the CSV says."""
    if isinstance(value, str) and text.startswith("["):
        return text == value  # of a CSV, in which a list is a text
    if isinstance(value, (list, tuple, np.ndarray)):
        wanted = json.loads(text)
        return len(wanted) == len(value) and all(same(w if isinstance(w, str) else json.dumps(w), v) for w, v in zip(wanted, value))
    if value is None or isinstance(value, float) and math.isnan(value):
        return text == ""
    if isinstance(value, (bool, np.bool_)):
        return text == str(bool(value)).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return text != "" and float(text) == value
    return text == value


def close(text, value):
    """As same; what is searched by its logarithm may have other last digits in a language with another exponential."""
    return same(text, value) or isinstance(value, float) and text != "" and math.isclose(float(text), value, rel_tol=1e-14)


def loaded(run, name, header, rows):
    """What is wrong with a table of load_run."""
    table, at = getattr(run, name), 0
    for i, column in enumerate(header):
        vector = rows != [] and all(row[i].startswith("[") for row in rows)
        for k in range(len(json.loads(rows[0][i])) if vector else 1):
            label = f"{column}[{k}]" if vector else column
            if table.columns[at] != label or len(table) != len(rows):
                yield f"load_run: column {table.columns[at]} of {len(table)} rows, want {label} of {len(rows)}"
                return
            for row, value in zip(rows, table[label].tolist()):
                element = json.loads(row[i])[k] if vector else row[i]
                if not close(element if isinstance(element, str) else json.dumps(element), value):
                    yield f"load_run: {label}: {value!r}, want {element!r}"
                    break
            at += 1
    if at != len(table.columns):
        yield f"load_run: {len(table.columns)} columns, want {at}"


def check(path, run):
    with open(path + ".csv", newline="") as f:
        header, *rows = csv.reader(f)
    table = json.loads(pq.read_schema(path + ".parquet").metadata[b"l2l"])
    mixed = any(p["name"] == "mixed" for p in table["parameters"])
    wrong = []
    for name, read in {**READERS, **({} if mixed else UNMIXED)}.items():
        if not rows and ("csv" in name or "json" in name):
            continue  # such a file says nothing of types, or of columns
        got = read(path)
        if list(got) != header:
            wrong.append(f"{name}: columns {list(got)}, want {header}")
            continue
        for i, column in enumerate(header):
            if len(got[column]) != len(rows):
                wrong.append(f"{name}: {len(got[column])} rows, want {len(rows)}")
            for row, value in zip(rows, got[column]):
                if not same(row[i], value):
                    wrong.append(f"{name}: {column}: {value!r}, want {row[i]!r}")
                    break
    # Types, units and directions.
    for schema in (pq.read_schema(path + ".parquet"), pyarrow.ipc.open_file(path + ".arrow").schema):
        if json.loads(schema.metadata[b"l2l"]) != table:
            wrong.append("Parquet and Arrow have other metadata")
        for prefix, objective in ((p, o) for p in ("fitness_", "best_") for o in table["objectives"]):
            if prefix + objective["name"] in schema.names:
                field = schema.field(prefix + objective["name"])
                said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
                if said.get("unit") != objective.get("unit") or said["direction"] != objective["direction"] or str(field.type) != "double":
                    wrong.append(f"{field.name}: {said}, {field.type}")
        for parameter in table["parameters"]:
            if parameter["name"] in schema.names and parameter["name"] != "seed":
                field = schema.field(parameter["name"])
                said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
                if said.get("unit") != parameter.get("unit") or ("list" in str(field.type)) != ("size" in parameter):
                    wrong.append(f"{field.name}: {said}, {field.type}")
    if json.loads(np.load(path + ".npz")["l2l"].item()) != table:
        wrong.append("NumPy's archive has other metadata")
    wrong += [] if rows == [] else loaded(run, pathlib.Path(path).name, header, rows)
    return len(rows), wrong


failed = False
run = load_run(sys.argv[2])
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.csv")):
    count, wrong = check(str(file.with_suffix("")), run)
    print(f"{file.stem}: {count} rows", *wrong, sep="\n  ")
    failed = failed or bool(wrong)
sys.exit(failed)
