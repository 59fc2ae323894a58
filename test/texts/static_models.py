"""model2vec and sentence-transformers as peers of static-models.mjs: variants of the real model, with ids and vectors.

    python static_models.py FOLDER model2vec | sentence-transformers

FOLDER has rows.bin (f32 [tokens, dim]), tokenizer.json, texts.json and variants.json. For each variant NAME the model is
written to FOLDER/NAME by model2vec and opened by the peer, and FOLDER/NAME gets ids.json and vectors.bin (f32).
sentence-transformers also writes the model to FOLDER/NAME/saved.

A variant: the table from the first `dim` columns of the first `rows` rows, as `dtype`; mapping[t] = 7919 t mod rows;
weights[t] = 1/4 + (2654435761 t mod 2^32) / 2^32.
"""

import json
import sys
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer

DTYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}


def table(rows, variant):
    rows = np.ascontiguousarray(rows[: variant["rows"], : variant["dim"]])
    if variant["dtype"] == "F32":
        return rows
    if variant["dtype"] == "F16":
        return rows.astype(np.float16)
    wide = rows.astype(np.float64)
    return np.rint(wide * (127 / np.abs(wide).max())).astype(np.int8)


def make(rows, tokenizer, variant):
    vectors = table(rows, variant)
    tokens = np.arange(tokenizer.get_vocab_size(), dtype=np.uint64)
    mapping, weights = variant["mapping"], variant["weights"]
    return StaticModel(
        vectors,
        tokenizer,
        weights=weights and (0.25 + 2654435761 * tokens % 2**32 / 2**32).astype(DTYPES[weights]),
        token_mapping=mapping and (7919 * tokens % len(vectors)).astype(DTYPES[mapping]),
        normalize=variant["normalize"],
        max_length=variant["maxLength"],
    )


def by_model2vec(folder, texts):
    model = StaticModel.from_pretrained(folder)
    most = None if model.max_length is None else model.max_length * model.median_token_length
    return model.tokenize([text[:most] for text in texts]), model.encode(texts)


def by_sentence_transformers(folder, texts):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    encodings = model[0].tokenizer.encode_batch(texts, add_special_tokens=False)
    model.save(str(folder / "saved"), create_model_card=False)
    return [each.ids for each in encodings], model.encode(texts)


PEERS = {"model2vec": by_model2vec, "sentence-transformers": by_sentence_transformers}


def main(folder, peer):
    texts = json.loads((folder / "texts.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = np.fromfile(folder / "rows.bin", "<f4").reshape(tokenizer.get_vocab_size(), -1)
    for name, variant in json.loads((folder / "variants.json").read_text()).items():
        make(rows, tokenizer, variant).save_pretrained(folder / name)
        ids, vectors = PEERS[peer](folder / name, texts)
        (folder / name / "ids.json").write_text(json.dumps(ids, separators=(",", ":")))
        vectors.astype("<f4").tofile(folder / name / "vectors.bin")
        print(name, flush=True)


main(Path(sys.argv[1]), sys.argv[2])
