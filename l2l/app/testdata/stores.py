"""Compares the generations of a run, a CSV, with what TensorBoard and MLflow read of them: stores.py CSV TENSORBOARD MLFLOW."""

import csv
import math
import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # which later versions ask for

import numpy as np
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[2])
events.Reload()
store = MlflowClient(sys.argv[3])
(experiment,) = store.search_experiments()
(run,) = store.search_runs([experiment.experiment_id])
assert run.info.status == "FINISHED" and run.data.params["optimizer.type"], run
assert [a.path for a in store.list_artifacts(run.info.run_id)] == ["result.json"]

checked = 0
with open(sys.argv[1], newline="") as f:
    rows = list(csv.DictReader(f))
tags = set(events.Tags()["scalars"])
assert tags == set(run.data.metrics), (tags, run.data.metrics)
assert any(t.startswith("median/") for t in tags) and "failed" in tags, tags
for column in rows[0]:
    if column == "generation":
        continue
    tag = column.replace("best_", "best/") if column.startswith("best_") else column if column == "evaluations" else "optimizer/" + column
    want = [(int(row["generation"]), float(row[column])) for row in rows if row[column] and math.isfinite(float(row[column]))]
    if not want:
        continue
    got = [(m.step, m.value) for m in sorted(store.get_metric_history(run.info.run_id, tag), key=lambda m: m.step)]
    assert got == want, (tag, got, want)
    got = [(s.step, s.value) for s in events.Scalars(tag)]
    assert got == [(g, float(np.float32(v))) for g, v in want], (tag, got, want)
    checked += len(want)
print(f"{len(rows)} generations, {checked} numbers")
