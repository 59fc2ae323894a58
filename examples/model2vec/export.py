"""Makes a model folder with model2vec, and the vectors of texts, for compare.ts.

    python examples/model2vec/export.py TABLE FOLDER OUT

TABLE: the rows of @tokenbed/minilm-static as f32; FOLDER: that package, for its tokenizer.json and config.json.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from safetensors.numpy import load_file
from tokenizers import Tokenizer

table, folder, out = map(Path, sys.argv[1:])
config = json.loads((folder / "config.json").read_text())
model = StaticModel(
    vectors=load_file(table)["embeddings"],
    tokenizer=Tokenizer.from_file(str(folder / "tokenizer.json")),
    config=config,
    normalize=config["normalize"],
)
model.save_pretrained(out / "model")

texts = json.loads((Path(__file__).parent / "texts.json").read_text())
texts += [f"{a} {b}" for a in texts for b in texts]
start = time.perf_counter()
vectors = model.encode(texts)
seconds = time.perf_counter() - start
(out / "texts.json").write_text(json.dumps(texts))
np.save(out / "vectors.npy", vectors)
print(f"model2vec: {len(texts)} texts in {1000 * seconds:.0f} ms, vectors {vectors.shape} {vectors.dtype}")
