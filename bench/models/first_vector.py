"""One vector in a fresh process: the same output as first-vector.mjs."""

import json
import sys
from time import process_time

from model2vec import StaticModel

_, folder, text = sys.argv
vector = StaticModel.from_pretrained(folder, force_download=False).encode([text])[0]
print(json.dumps({"sum": float(vector.astype("f8").sum()), "cpu": 1000 * process_time()}))
