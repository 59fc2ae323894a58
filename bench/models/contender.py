"""model2vec as a contender of ../models.mjs: the same lines as contender.mjs."""

import base64
import gc
import hashlib
import json
import sys
from time import perf_counter, process_time

import numpy as np
from model2vec import StaticModel

_, folder, texts = sys.argv
with open(texts, encoding="utf-8", newline="") as source:
    everything = [text for text in source.read().split("\0") if text]


def load():
    return StaticModel.from_pretrained(folder, force_download=False)


def embed():
    return model.encode(everything, use_multiprocessing=False)


def tokens():
    """The ids that encode averages."""
    most = None if model.max_length is None else model.max_length * model.median_token_length
    return model.tokenize([text[:most] for text in everything])


def digest(row):
    return base64.urlsafe_b64encode(hashlib.md5(np.array(row, "<u4").tobytes()).digest()).decode()[:12]


model = load()
for line in sys.stdin:
    line = line.strip()
    answer = None
    if line == "ids":
        answer = [digest(row) for row in tokens()]
    elif line.startswith("vectors "):
        embed().astype("<f4").tofile(line[len("vectors ") :])
    else:
        if line == "first":
            model = load()
        gc.collect()
        start, before = perf_counter(), process_time()
        embed()
        answer = [1000 * (perf_counter() - start), 1000 * (process_time() - before)]
    print(json.dumps(answer), flush=True)
