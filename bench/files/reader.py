"""gensim as a contender of files.mjs: the same lines as reader.mjs."""

import gc
import hashlib
import json
import sys
from time import perf_counter, process_time

from gensim.models import KeyedVectors

for line in sys.stdin:
    file = line.rstrip("\n")
    text = file.endswith(".txt")
    gc.collect()
    start, before = perf_counter(), process_time()
    read = KeyedVectors.load_word2vec_format(file, binary=not text, no_header=text)
    ms = 1000 * min(perf_counter() - start, process_time() - before)  # as stopwatch.mjs
    digest = hashlib.sha256(read.vectors.astype("<f4", copy=False).tobytes())
    digest.update("\n".join(read.index_to_key).encode())
    print(json.dumps({"ms": ms, "rows": len(read), "digest": digest.hexdigest()}), flush=True)
    del read
