"""What numpy, safetensors, gensim and gguf read from the files of run.mjs: jobs in, one line of JSON out for each.

    {"read": "npy" | "safetensors" | "gensim" | "gguf", "file", "tensor"?, "head"?, "binary"?, "rows"?}
    -> {"rows", "dim", "values": sha256 of the f32 values, "words"?: sha256 of the words with a NUL after each}

With `rows` only these are read, from a map of the file. `words` of a safetensors file are what tokenbed saved.
"""

import hashlib
import json
import sys

import numpy as np


def npy(job):
    return np.load(job["file"], mmap_mode="r"), None


def safetensors(job):
    from safetensors import safe_open

    with safe_open(job["file"], framework="np") as file:
        name = job["tensor"]
        metadata = file.metadata() or {}
        if metadata.get("tokenbed.dtype") == "i8":
            rows = file.get_tensor(f"{name}.rows")
            dim = int(metadata["tokenbed.dim"])
            scale, bias = rows[:, dim : dim + 4].copy().view("<f4"), rows[:, dim + 4 :].copy().view("<f4")
            values = rows[:, :dim].astype(np.float32) * scale + bias
        elif "rows" in job:
            part = file.get_slice(name)
            return Sliced(part), None
        else:
            values = file.get_tensor(name)
        words = None
        if f"{name}.words" in file.keys():
            text, offsets = file.get_tensor(f"{name}.words").tobytes(), file.get_tensor(f"{name}.words.offsets")
            words = [text[a:b].decode() for a, b in zip(offsets, offsets[1:])]
        return values, words


class Sliced:
    """Rows of a tensor that is not read as a whole."""

    def __init__(self, part):
        self.part, self.shape = part, part.get_shape()

    def __getitem__(self, rows):
        return np.concatenate([self.part[row : row + 1] for row in rows])


def gensim(job):
    from gensim.models import KeyedVectors

    head = job.get("head", True)
    read = KeyedVectors.load_word2vec_format(job["file"], binary=job.get("binary", False), no_header=not head)
    return read.vectors, read.index_to_key


def gguf(job):
    from gguf import GGUFReader

    tensor = next(each for each in GGUFReader(job["file"]).tensors if each.name == job["tensor"])
    return tensor.data, None


for line in sys.stdin:
    job = json.loads(line)
    try:
        values, words = globals()[job["read"]](job)
        answer = {"rows": int(values.shape[0]), "dim": int(values.shape[1])}
        if "rows" in job:
            values = values[job["rows"]]
        floats = np.ascontiguousarray(values, np.float32)
        answer["values"] = hashlib.sha256(floats.tobytes()).hexdigest()
        if words is not None:
            answer["words"] = hashlib.sha256("".join(f"{word}\0" for word in words).encode()).hexdigest()
        if "like" in job:
            # The ten nearest words by cosine, as gensim finds them.
            from gensim.models import KeyedVectors

            vectors = KeyedVectors(floats.shape[1])
            vectors.add_vectors(words, floats)
            answer["nearest"] = [word for word, _ in vectors.similar_by_vector(vectors[job["like"]], topn=10)]
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
