"""One row of a safetensors file in a fresh process: the same output as first-row.mjs."""

import json
import sys
from time import perf_counter, process_time

from safetensors import safe_open  # its numpy framework imports numpy
import numpy  # noqa: F401

_, file, row = sys.argv
start, before = perf_counter(), process_time()
with safe_open(file, framework="np") as opened:
    values = opened.get_slice("weight")[int(row)]
ms = 1000 * min(perf_counter() - start, process_time() - before)  # as stopwatch.mjs
print(json.dumps({"ms": ms, "sum": float(values.astype("f8").sum())}))
