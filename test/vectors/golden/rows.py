"""Golden bytes of stored rows from torch and from ggml's Python package: prepack.json and gguf.json in this folder.

    npm run bench:peers                                             # a virtual environment with torch and numpy
    .cache/peers/venv/bin/pip install gguf==0.19.0
    .cache/peers/venv/bin/python test/vectors/golden/rows.py        # writes both files

prepack.json  rows of f32 (`values`) and their bytes by torch's embedding_bag_byte_prepack (i8) and
              embedding_bag_4bit_prepack (i4). torch does not support i4 rows of odd width.
gguf.json     rows of blocks (`bytes`), random or quantized by the package, and their f32 values by gguf.quants.

Values are little-endian f32 and bytes are in memory order, both in hexadecimal. The script also computes the i8 and i4
rows with the formulas of docs/contract.md in numpy and fails if a byte differs from torch's.
"""

import json
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, quants

FOLDER = Path(__file__).parent
F32, F16 = np.float32, np.float16
random = np.random.RandomState(11)  # its stream is the same in every version of numpy


def rows_of(dtype, dim):
    """One row of each kind. None contains -0: the sign of a zero minimum depends on the order of comparison."""
    wide, low = random.uniform(-1, 1, dim), random.uniform(0, 1, dim)
    rows = [
        random.standard_normal(dim),
        1 + 0.01 * low,
        -5 - low,
        np.full(dim, 3.3),
        np.zeros(dim),
        1e-10 * wide,
        1e-40 * wide,  # subnormal numbers
        -1e5 * low if dtype == "i8" else np.linspace(-6e4, 9e5, dim),  # both within f16: the bias, a step of 64,000
        1e38 * wide if dtype == "i8" else 1e-4 * wide,  # an i4 scale that is subnormal in f16
        np.arange(dim) - 7.5,  # ties: halves of the step
    ]
    values = np.array(rows, F32)
    return values[:4] if dim > 100 else values


def i8(values):
    bias = values.min(axis=1, keepdims=True)
    span = values.max(axis=1, keepdims=True) - bias
    scale = span / F32(255)
    q = np.rint((values - bias) * (F32(255) / (span + F32(1e-8)))).astype(np.uint8)
    return np.hstack([q, scale.view(np.uint8), bias.view(np.uint8)])


def i4(values):
    bias = values.min(axis=1, keepdims=True).astype(F16)
    span = values.max(axis=1, keepdims=True) - bias.astype(F32)
    scale = (span / F32(15)).astype(F16)
    with np.errstate(divide="ignore"):
        scale[(span == 0) | np.isinf(F32(1) / scale.astype(F32))] = 1
    q = np.rint((values - bias.astype(F32)) * (F32(1) / scale.astype(F32))).clip(0, 15).astype(np.uint8)
    return np.hstack([q[:, 0::2] | q[:, 1::2] << 4, scale.view(np.uint8), bias.view(np.uint8)])


PREPACK = {
    "i8": (i8, torch.ops.quantized.embedding_bag_byte_prepack, [1, 2, 4, 7, 8, 16, 17, 64, 130]),
    "i4": (i4, torch.ops.quantized.embedding_bag_4bit_prepack, [2, 4, 8, 16, 64, 130]),
}

# Where a block has its f16 scales, in bytes from its start.
SCALES = {
    "q4_0": [0],
    "q4_1": [0, 2],
    "q5_0": [0],
    "q5_1": [0, 2],
    "q8_0": [0],
    "q2_k": [80, 82],
    "q3_k": [108],
    "q4_k": [0, 2],
    "q5_k": [0, 2],
    "q6_k": [208],
}


def blocks(count, size, scales):
    """Random blocks with finite scales: positive, negative, subnormal, the largest, zero."""
    data = random.randint(0, 256, (count, size)).astype(np.uint8)
    special = [0x2E66, 0xB1C4, 0x0203, 0x8001, 0x7BFF, 0x0000]
    for i, block in enumerate(data):
        for j, at in enumerate(scales):
            block[at : at + 2] = np.array([special[(i + j) % len(special)]], "<u2").view(np.uint8)
    return data


def case(dtype, dim, values, data, order):
    values, data = np.ascontiguousarray(values, "<f4"), np.ascontiguousarray(data)
    fields = {"values": values.tobytes().hex(), "bytes": data.tobytes().hex()}
    return {"dtype": dtype, "dim": dim, "rows": len(data), **{name: fields[name] for name in order}}


def prepack():
    cases, equal, total = [], 0, 0
    for dtype, (formula, operator, dims) in PREPACK.items():
        for dim in dims:
            values = rows_of(dtype, dim)
            data = operator(torch.from_numpy(values)).numpy()
            equal += int((data == formula(values)).all(axis=1).sum())
            total += len(data)
            cases.append(case(dtype, dim, values, data, ["values", "bytes"]))
            assert np.isfinite(values).all() and not (np.signbit(values) & (values == 0)).any()
    print(f"prepack.json: {equal} of {total} rows of torch {torch.__version__} equal the formulas")
    assert equal == total
    return cases


def gguf():
    cases = []
    for dtype, scales in SCALES.items():
        kind = GGMLQuantizationType[dtype.upper()]
        width, size = quants.GGML_QUANT_SIZES[kind]
        rows = [blocks(6, size, scales).reshape(3, -1)] if width == 32 else [blocks(3, size, scales)]
        if width == 32:
            rows.append(quants.quantize(random.standard_normal((2, 2 * width)).astype(F32), kind))
        else:
            rows.append(blocks(2, size, scales).reshape(1, -1))
        for data in rows:
            values = quants.dequantize(data, kind)
            cases.append(case(dtype, values.shape[1], values, data, ["bytes", "values"]))
    print(f"gguf.json: {sum(each['rows'] for each in cases)} rows")
    return cases


for name, cases in {"prepack.json": prepack(), "gguf.json": gguf()}.items():
    lines = ",\n".join(json.dumps(each) for each in cases)
    (FOLDER / name).write_text(f"[\n{lines}\n]\n")
