"""A Python library as a contender: the same lines as serve.mjs."""

import gc
import json
import os
import sys
from time import perf_counter_ns, process_time_ns

import numpy

FOLDER = os.environ["BENCH_TRAINING_DATA"]


def path(name):
    return os.path.join(FOLDER, name)


def floats(name):
    return numpy.fromfile(path(name), "<f4")


def integers(name):
    return numpy.fromfile(path(name), "<i4")


def timed(work, first, count):
    """Milliseconds of the clock and of the processor. `before` is not timed; `overhead` of a step is subtracted."""
    clock = processor = 0

    def part(start, end):
        nonlocal clock, processor
        began, used = perf_counter_ns(), process_time_ns()
        for k in range(start, end):
            work.step(k)
        clock += perf_counter_ns() - began
        processor += process_time_ns() - used

    gc.disable()
    if work.before is None:
        part(first, first + count)
    else:
        for k in range(first, first + count):
            work.before(k)
            part(k, k + 1)
    gc.enable()
    return [ns / 1e6 - count * overhead for ns, overhead in zip((clock, processor), work.overhead)]


class Work:
    """What a contender made of a task."""

    def __init__(self, step, answer, before=None, overhead=(0, 0)):
        self.step, self.answer, self.before, self.overhead = step, answer, before, overhead


def serve(works):
    work = None
    for line in sys.stdin:
        request = json.loads(line)
        reply = None
        if "prepare" in request:
            task = request["prepare"]
            work = works[task["work"]](task)
        elif "answer" in request:
            if work.before is not None:
                work.before(0)
            work.step(0)
            numpy.concatenate([numpy.ravel(part) for part in work.answer()]).astype("<f4").tofile(request["answer"])
        else:
            reply = timed(work, *request["run"])
        print(json.dumps(reply), flush=True)
