"""Small files from the libraries that people write them with, and what these libraries read from them.

    python3 -m venv .cache/golden
    .cache/golden/bin/pip install numpy==2.4.6 ml_dtypes==0.6.0 safetensors==0.8.0 gensim==4.4.0 gguf==0.19.0
    .cache/golden/bin/python test/vectors/golden/files.py           # writes files/ and files.json in this folder

files.json  for each file its sha256, and its tables: the options of `Embedding.load` (`tensor`), the format, the dtype that
            tokenbed keeps, the shape, `values` (little-endian f32 in hexadecimal, as the library reads them), the words and
            the metadata.

A second run writes the same bytes.
"""

import hashlib
import json
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
from gensim.models import KeyedVectors
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants
from safetensors import deserialize
from safetensors.numpy import save

HERE = Path(__file__).parent
FOLDER = HERE / "files"
F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2
random = np.random.RandomState(13)  # its stream is the same in every version of numpy

files = {}


def table(dtype, values, words=None, metadata=None, **options):
    """What loading a file with `options` must give."""
    values = np.ascontiguousarray(values, "<f4")
    assert values.ndim == 2
    entry = {"options": options, "dtype": dtype, "shape": values.shape, "values": values.tobytes().hex()}
    if words is not None:
        entry["words"] = words
    if metadata is not None:
        entry["metadata"] = metadata
    return entry


def keep(name, format, tables):
    data = (FOLDER / name).read_bytes()
    files[name] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "format": format,
        "tables": tables,
    }


def some(rows, dim, dtype=F32):
    """Values of both signs and of many magnitudes; the first row has the special ones."""
    values = random.standard_normal((rows, dim)) * 10.0 ** random.randint(-4, 3, (rows, dim))
    special = [0.0, -0.0, np.inf, -np.inf, 1e-7, 65504.0, 1 / 3]
    values[0, : len(special)] = special[:dim]
    return values.astype(dtype)


# safetensors --------------------------------------------------------------------------------------------------------

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": BF16, "F8_E4M3": E4M3, "F8_E5M2": E5M2, "I8": np.int8}
# What tokenbed keeps of each dtype.
KEPT = {"F64": "f32", "F32": "f32", "F16": "f16", "BF16": "bf16", "F8_E4M3": "f16", "F8_E5M2": "f16", "I8": "f32"}


def safetensors(name, tensors, metadata=None, tables=(), options=True):
    # The library orders metadata at random.
    while True:
        data = save(tensors, metadata)
        head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        if list(head.get("__metadata__", {})) == list(metadata or {}):
            break
    (FOLDER / name).write_bytes(data)
    found = dict(deserialize(data))

    def read(tensor):
        entry = found[tensor]
        values = np.frombuffer(entry["data"], NUMPY[entry["dtype"]]).reshape(entry["shape"])
        chosen = {"tensor": tensor} if options else {}
        return table(KEPT[entry["dtype"]], values.astype(F32), metadata=metadata or {}, **chosen)

    keep(name, "safetensors", [read(tensor) for tensor in tables])


def all_safetensors():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tables = {
        "F32": some(5, 7),
        "F16": some(5, 7, F16),
        "BF16": some(4, 9, BF16),
        "F64": some(5, 7, np.float64).clip(-1e6, 1e6),
        "F8_E4M3": codes.view(E4M3),
        "F8_E5M2": codes.view(E5M2),
        "I8": codes.view(np.int8),
        "one column": some(3, 1),
    }
    others = {
        "mapping": np.arange(6, dtype=np.int64),
        "weights": random.uniform(0, 1, 5),
        "bias": some(1, 7)[0],
        "cube": np.zeros((2, 3, 4), F16),
        "scalar": np.array(3, np.int32),
        "empty": np.zeros((0, 7), np.int64),
        "bool": np.array([[True, False, True]]),
        "U8": codes[:2],
        "U16": np.ones((2, 2), np.uint16),
        "U32": np.ones((2, 2), np.uint32),
        "U64": np.ones((2, 2), np.uint64),
        "I16": np.ones((2, 2), np.int16),
        "I32": np.ones((2, 2), np.int32),
        "C64": np.ones((2, 2), np.complex64),
        "F8_E8M0": np.ones((2, 2), ml_dtypes.float8_e8m0fnu),
        "F8_E4M3FNUZ": np.ones((2, 2), ml_dtypes.float8_e4m3fnuz),
        "F8_E5M2FNUZ": np.ones((2, 2), ml_dtypes.float8_e5m2fnuz),
        "__proto__": np.ones((1, 3), np.int64),
        "größe": np.ones((2,), np.int64),
    }
    metadata = {"format": "np", "licence": "öffentlich 🙂"}
    safetensors("dtypes.safetensors", {**tables, **others}, metadata, tables)
    # The table is the only one, or has a usual name.
    safetensors("only.safetensors", {"model/emb": some(6, 4), **others}, None, ["model/emb"], options=False)
    for name in ["embeddings", "embedding.weight", "weight"]:
        tensors = {name: some(3, 4, F16), "other": some(2, 4), "a": some(2, 4, np.float64)}
        safetensors(f"{name}.safetensors", tensors, {"name": name}, [name], options=False)
    shards()


def shards():
    parts = {
        "model-00001-of-00002.safetensors": {"first": some(4, 6), "norm": some(1, 6)[0]},
        "model-00002-of-00002.safetensors": {"second": some(3, 6, F16), "ids": np.arange(3, dtype=np.int64)},
    }
    for name, tensors in parts.items():
        safetensors(name, tensors, {"part": name[6:11]}, [tensor for tensor in tensors if tensors[tensor].ndim == 2])
    index = {
        "metadata": {"total_size": sum(t.nbytes for part in parts.values() for t in part.values())},
        "weight_map": {tensor: name for name, tensors in parts.items() for tensor in tensors},
    }
    (FOLDER / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    tables = [{key: each[key] for key in each if key != "metadata"} for name in parts for each in files[name]["tables"]]
    keep("model.safetensors.index.json", "safetensors", tables)


# .npy ---------------------------------------------------------------------------------------------------------------


def all_npy():
    for version in [(1, 0), (2, 0), (3, 0)]:
        for code, dtype in {"f4": "f32", "f2": "f16", "f8": "f32"}.items():
            for order in "CF":
                name = f"{version[0]}.0-{code}-{order}.npy"
                values = np.array(some(5, 7, "<" + code), order=order)
                if code == "f8":
                    values = values.clip(-1e6, 1e6)
                with open(FOLDER / name, "wb") as file:
                    np.lib.format.write_array(file, values, version, allow_pickle=False)
                read = np.load(FOLDER / name)
                assert read.flags["C_CONTIGUOUS"] == (order == "C") and read.tobytes() == values.tobytes()
                keep(name, "npy", [table(dtype, read.astype(F32))])


# GGUF ---------------------------------------------------------------------------------------------------------------

# Where a block has its f16 scales, in bytes from its start.
SCALES = {"Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
PLAIN = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def blocks(kind, rows, width):
    """Random blocks with finite scales."""
    values, size = quants.GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    data = random.randint(0, 256, (rows * width // values, size)).astype(np.uint8)
    for at in SCALES[kind]:
        data[:, at : at + 2] = random.uniform(-0.1, 0.1, len(data)).astype("<f2").view(np.uint8).reshape(-1, 2)
    return data.reshape(rows, -1)


def rows_of(kind):
    if kind in SCALES:
        return blocks(kind, 2, 256)
    values = some(3, 64) if kind == "F32" else random.standard_normal((3, 64)).astype(F32)
    return values if kind == "F32" else quants.quantize(values, GGMLQuantizationType[kind])


def read_gguf(name, wanted, words=None):
    """The tensors `wanted` as the reader and the decoder of the package see them."""
    reader = GGUFReader(FOLDER / name)
    tables = []
    for tensor in reader.tensors:
        if tensor.name in wanted:
            kind = tensor.tensor_type.name
            values = quants.dequantize(tensor.data, tensor.tensor_type).astype(F32).reshape(tuple(tensor.shape)[::-1])
            options = {} if tensor.name == "token_embd.weight" else {"tensor": tensor.name}
            its_words = words if words and len(words) == len(values) else None
            tables.append(table(kind.lower(), values, its_words, **options))
    assert len(tables) == len(wanted)
    keep(name, "gguf", tables)


def gguf(name, tensors, words=None, alignment=None):
    writer = GGUFWriter(FOLDER / name, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_name("golden")
    writer.add_context_length(512)
    writer.add_float32("golden.f32", 0.5)
    writer.add_bool("golden.bool", True)
    writer.add_int64("golden.i64", -(2**40))
    writer.add_float64("golden.f64", 1e100)
    writer.add_array("golden.numbers", [1, 2, 3])
    if words:
        writer.add_tokenizer_model("llama")
        writer.add_token_list(words)
        writer.add_token_scores([float(-i) for i in range(len(words))])
    for tensor, (kind, data) in tensors.items():
        writer.add_tensor(tensor, data, raw_dtype=GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def all_gguf():
    every = {f"{kind}.weight": (kind, rows_of(kind)) for kind in [*PLAIN, *SCALES]}
    gguf("types.gguf", every)
    read_gguf("types.gguf", list(every))
    words = ["<unk>", "▁the", "▁", "<0x0A>", "größe"]
    tensors = {
        "blk.0.attn_norm.weight": ("F32", np.ones(64, F32)),
        "token_embd.weight": ("Q8_0", quants.quantize(random.standard_normal((5, 64)).astype(F32), GGMLQuantizationType.Q8_0)),
        "output.weight": ("F16", random.standard_normal((3, 32)).astype(F16)),
        "blk.0.experts": ("F32", np.ones((2, 3, 4), F32)),
    }
    gguf("words.gguf", tensors, words, alignment=64)
    read_gguf("words.gguf", ["token_embd.weight", "output.weight"], words)


# Word vectors -------------------------------------------------------------------------------------------------------

WORDS = ["the", "größe", "naïve", "1.5", "日本語", "\u00a0nbsp", "x\u0085y", "🙂", "</s>"]


def vectors(name, format, words, binary=False, head=True):
    """What gensim reads. It keeps the values of text as Python parses them, rounded to f32."""
    read = KeyedVectors.load_word2vec_format(FOLDER / name, binary=binary, no_header=not head)
    assert read.index_to_key == words, read.index_to_key
    keep(name, format, [table("f32", read.vectors, words)])


def all_vectors():
    made = KeyedVectors(6)
    values = some(len(WORDS), 6)
    values[0] = [0, -0.0, 1e-7, 65504, 1 / 3, -1]
    made.add_vectors(WORDS, values)
    made.save_word2vec_format(FOLDER / "word2vec.bin", binary=True)
    vectors("word2vec.bin", "word2vec", WORDS, binary=True)
    made.save_word2vec_format(FOLDER / "word2vec.txt", binary=False)
    vectors("word2vec.txt", "word2vec", WORDS)
    # word2vec.c ends each row with a line feed, fastText each line with a blank.
    with open(FOLDER / "word2vec-c.bin", "wb") as file:
        file.write(f"{len(WORDS)} 6\n".encode())
        for word, row in zip(WORDS, values):
            file.write(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")
    vectors("word2vec-c.bin", "word2vec", WORDS, binary=True)
    with open(FOLDER / "fasttext.vec", "wb") as file:
        file.write(f"{len(WORDS)} 6\n".encode())
        for word, row in zip(WORDS, values):
            file.write((" ".join([word, *(f"{x:.5g}" for x in row)]) + " \n").encode())
    vectors("fasttext.vec", "word2vec", WORDS)
    made.save_word2vec_format(FOLDER / "glove.txt", binary=False, write_header=False)
    vectors("glove.txt", "glove", WORDS, head=False)
    # glove.840B has words with blanks, which gensim does not read: here the last six fields are parsed by Python.
    words = ["the", ". . .", "at name@domain.com", "on 5 june", "größe"]
    lines = [" ".join([word, *(repr(float(x)) for x in row)]) for word, row in zip(words, values)]
    (FOLDER / "glove-blanks.txt").write_text("\n".join(lines) + "\n")
    parsed = [[float(x) for x in line.split(" ")[-6:]] for line in (FOLDER / "glove-blanks.txt").read_text().splitlines()]
    keep("glove-blanks.txt", "glove", [table("f32", np.array(parsed).astype(F32), words)])


shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir()
with np.errstate(over="ignore"):
    all_safetensors()
    all_npy()
    all_gguf()
    all_vectors()
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in files.items())
(HERE / "files.json").write_text(f"{{\n{lines}\n}}\n")
total = sum(entry["bytes"] for entry in files.values()) + (HERE / "files.json").stat().st_size
print(f"{len(files)} files, {sum(len(entry['tables']) for entry in files.values())} tables, {total} bytes")
