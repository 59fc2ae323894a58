"""Distills all-MiniLM-L6-v2 into a static model, as model2vec 0.10.0 does (`distill`), with numpy and scipy alone.

    python distill.py SOURCE OUT      SOURCE: model.safetensors, tokenizer.json; OUT: the same

Each token t has the row w_t PCA(mean(transformer([CLS] t [SEP]))) of 256 columns: the mean of the last states of the three
positions, the scores of the 256 principal components over all tokens, and the SIF weight w_t = a / (a + p_t). The
probability p_t is Zipf's of the rank of the token: 1 / (rank + 2), normalized.

The output is one line `DONE TOTAL` for each batch of tokens.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
from scipy.special import erf

DIM = 256
SIF = 1e-4
HEADS = 12
EPSILON = 1e-12
BATCH = 512
DROPPED = re.compile(r"\[(unused\d+|CLS|SEP|MASK|PAD|UNK)\]")


def read_safetensors(path):
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, tensor in json.loads(data[8:start]).items():
        if tensor.get("dtype") == "F32":
            begin, end = (start + offset for offset in tensor["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], np.float32).reshape(tensor["shape"])
    return tensors


def write_safetensors(path, name, rows):
    rows = rows.astype("<f4")
    header = {name: {"dtype": "F32", "shape": rows.shape, "data_offsets": [0, rows.nbytes]}}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + rows.tobytes())


def reduced(tokenizer):
    """The tokenizer of the static model, as model2vec saves it, and the former ids of its tokens."""
    former = tokenizer["model"]["vocab"]
    words = [word for word in sorted(former, key=former.get) if not DROPPED.fullmatch(word)]
    tokens = ["[PAD]", "[UNK]", *words]
    added = [
        {"id": tokens.index(token["content"])} | {key: token[key] for key in ADDED_KEYS}
        for token in tokenizer["added_tokens"]
        if token["content"] in tokens[:2]
    ]
    vocab = {token: id for id, token in enumerate(tokens)}
    model = {key: tokenizer["model"][key] for key in MODEL_KEYS} | {"vocab": vocab}
    parts = {"added_tokens": added, "post_processor": None, "model": model}
    return {key: parts.get(key, SHORTENED.get(key, tokenizer[key])) for key in KEYS}, [former[t] for t in tokens]


# The order in which the library tokenizers writes a file.
KEYS = (
    "version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder model".split()
)
MODEL_KEYS = "type unk_token continuing_subword_prefix max_input_chars_per_word".split()
ADDED_KEYS = "content single_word lstrip rstrip normalized special".split()
# At most 512 ids, and no padding.
SHORTENED = {
    "truncation": {"direction": "Right", "max_length": 512, "strategy": "LongestFirst", "stride": 0},
    "padding": {
        "strategy": {"Fixed": 0},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    },
}


class Transformer:
    """BERT, for sequences of equal length."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))

    def __getitem__(self, name):
        return self.tensors[name]

    def linear(self, x, name):
        # One product of matrices: numpy would multiply sequence by sequence.
        y = x.reshape(-1, x.shape[-1]) @ self[f"{name}.weight"].T + self[f"{name}.bias"]
        return y.reshape(*x.shape[:-1], -1)

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(EPSILON))
        return x * self[f"{name}.weight"] + self[f"{name}.bias"]

    def attention(self, x, name):
        batch, length, dim = x.shape
        query, key, value = (
            self.linear(x, f"{name}.self.{part}").reshape(batch, length, HEADS, dim // HEADS).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(dim // HEADS))
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        states = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, dim)
        return self.norm(x + self.linear(states, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def __call__(self, ids):
        """The last states [batch, length, dim] of ids [batch, length]."""
        x = self["embeddings.word_embeddings.weight"][ids]
        x = x + self["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self.norm(x + self["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for index in range(self.layers):
            layer = f"encoder.layer.{index}"
            x = self.attention(x, f"{layer}.attention")
            hidden = self.linear(x, f"{layer}.intermediate.dense")
            hidden *= 0.5 * (1 + erf(hidden * np.float32(np.sqrt(0.5))))  # GELU
            x = self.norm(x + self.linear(hidden, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        return x


def principal_scores(x):
    """The scores of the first components, each with the sign that makes its largest score positive."""
    x = x.astype(np.float64)
    x -= x.mean(0)
    _, vectors = np.linalg.eigh(x.T @ x)
    scores = x @ vectors[:, ::-1][:, :DIM]
    largest = np.abs(scores).argmax(0)
    return scores * np.sign(scores[largest, np.arange(DIM)])


def sif(count):
    zipf = 1 / np.arange(2, count + 2)
    return SIF / (SIF + zipf / zipf.sum())


def main(source, out):
    original = json.loads((source / "tokenizer.json").read_text("utf-8"))
    tokenizer, former = reduced(original)
    transformer = Transformer(read_safetensors(source / "model.safetensors"))
    begin, end = (original["model"]["vocab"][token] for token in ("[CLS]", "[SEP]"))
    means = []
    for start in range(0, len(former), BATCH):
        ids = np.array([[begin, id, end] for id in former[start : start + BATCH]])
        means.append(transformer(ids).mean(1))
        print(start + len(ids), len(former), flush=True)
    rows = principal_scores(np.concatenate(means)) * sif(len(former))[:, None]
    write_safetensors(out / "model.safetensors", "embeddings", rows)
    text = json.dumps(tokenizer, separators=(",", ":"), ensure_ascii=False)
    (out / "tokenizer.json").write_text(text, "utf-8")


main(*map(Path, sys.argv[1:]))
