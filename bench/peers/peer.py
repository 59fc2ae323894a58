"""A Python library as a contender: it reads requests, times its own loop and writes responses. See python.mjs too.

    hello                                    -> version, contenders and the ops of each
    array    file dtype length pages         -> id: the file's values, in memory on the requested pages
    prepare  contender op numbers arrays     -> id, or null if the contender does not support this job
    measure  id first count                  -> nanoseconds of call(first) ... call(first + count - 1)
    output   id file                         -> the rows of the last call, as f32, in the file
    close / forget  id                       -> drops a job / an array

One line of JSON each; the response to an error is its text. Nothing else may be printed to standard output.
"""

import gc
import importlib
import itertools
import json
import os
import sys
import traceback
from time import perf_counter_ns
from types import SimpleNamespace

from memory import floats, values

LIBRARIES = {"torch": "with_torch", "numpy": "with_numpy", "onnxruntime": "with_onnxruntime"}


class Peer:
    def __init__(self, library):
        self.library = library
        self.arrays = {}
        self.jobs = {}
        self.ids = itertools.count(1)

    def hello(self):
        contenders = [
            {**{key: value for key, value in each.items() if key != "ops"}, "ops": list(each["ops"])}
            for each in self.library.CONTENDERS
        ]
        return {"version": self.library.VERSION, "contenders": contenders}

    def array(self, file, dtype, length, pages):
        array = values(length, dtype, pages)
        with open(file, "rb", buffering=0) as stream:
            room = memoryview(array).cast("B")
            while room:
                read = stream.readinto(room)
                if not read:
                    raise ValueError(f"{file} holds {len(room)} bytes too few")
                room = room[read:]
        return self.keep(self.arrays, array)

    def prepare(self, contender, op, numbers, arrays):
        ops = next(each["ops"] for each in self.library.CONTENDERS if each["name"] == contender)
        arrays_by_name = {name: self.arrays[id] for name, id in arrays.items()}
        job = SimpleNamespace(**{**DEFAULTS, **numbers, **arrays_by_name})
        job.room = lambda: floats(job.length, job.pages)
        prepared = ops[op](job)
        return None if prepared is None else self.keep(self.jobs, prepared)

    def measure(self, id, first, count):
        call = self.jobs[id][0]
        gc.disable()
        try:
            calls = range(first, first + count)
            start = perf_counter_ns()
            for k in calls:
                call(k)
            return perf_counter_ns() - start
        finally:
            gc.enable()

    def output(self, id, file):
        self.jobs[id][1]().astype("float32", copy=False).ravel().tofile(file)

    def close(self, id):
        del self.jobs[id]
        gc.collect()

    def forget(self, id):
        del self.arrays[id]
        gc.collect()

    def keep(self, where, what):
        id = next(self.ids)
        where[id] = what
        return id


def place(error):
    """The file and line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


# Defaults for the fields that a request omits.
DEFAULTS = {"dtype": "f32", "scale": None, "padding": None, "weights": None, "base": 10000}


def main():
    try:
        peer, failure = Peer(importlib.import_module(LIBRARIES[sys.argv[1]])), None
    except Exception as error:
        peer, failure = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if failure:
                raise RuntimeError(f"{failure} (npm run bench:peers)")
            answer = {"ok": getattr(peer, request.pop("do"))(**request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error} ({place(error)})"}
        print(json.dumps(answer), flush=True)


main()
