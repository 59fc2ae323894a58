"""The Python package tokenizers as a contender of ../texts.mjs: the same lines as contender.mjs."""

import base64
import gc
import hashlib
import json
import sys
from time import perf_counter, process_time

import numpy as np
from tokenizers import Tokenizer

_, file, texts = sys.argv
with open(texts, encoding="utf-8", newline="") as source:
    everything = [text for text in source.read().split("\0") if text]


def ids(tokenizer):
    found = []
    for start in range(0, len(everything), 1024):
        batch = tokenizer.encode_batch_fast(everything[start : start + 1024], add_special_tokens=False)
        found.extend(each.ids for each in batch)
    return found


def digest(row):
    return base64.urlsafe_b64encode(hashlib.md5(np.array(row, "<u4").tobytes()).digest()).decode()[:12]


tokenizer = Tokenizer.from_file(file)
for line in sys.stdin:
    line = line.strip()
    if line == "ids":
        answer = [digest(row) for row in ids(tokenizer)]
    else:
        if line == "first":
            tokenizer = Tokenizer.from_file(file)
        gc.collect()
        start, before = perf_counter(), process_time()
        ids(tokenizer)
        answer = 1000 * min(perf_counter() - start, process_time() - before)
    print(json.dumps(answer), flush=True)
