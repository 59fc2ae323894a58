"""100 steps of each optimizer by PyTorch, in f32 and in f64.

    python3 -m venv .cache/golden
    .cache/golden/bin/pip install torch==2.15.0 numpy==2.4.6
    .cache/golden/bin/python test/vectors/golden/optimizers.py           # writes optimizers.json in this folder

A table learns rows `targets` by the mean squared error of the rows that a batch looks up.

optimizers.json  `dim`; `weights`, `targets` (little-endian f32 in hexadecimal); `ids`: a batch per step; `runs`: the class
                 and the options in tokenbed, the class in PyTorch, `f64`: the table after all steps as PyTorch computes it in
                 f64 (little-endian, hexadecimal), and `distance`: the greatest difference of PyTorch's f32 from it.
"""

import json
from pathlib import Path

import numpy as np
import torch

ROWS, DIM, STEPS, BATCH = 12, 6, 100, 5
random = np.random.RandomState(17)  # its stream is the same in every version of numpy
weights = random.uniform(0.2, 0.7, (ROWS, DIM)).astype("<f4")
targets = random.uniform(-0.7, 0.7, (ROWS, DIM)).astype("<f4")
# Row 0 is frequent, and some rows are rare.
ids = [[int(r * r * ROWS) for r in random.uniform(0, 1, BATCH)] for _ in range(STEPS)]


def train(create, sparse, dtype):
    table = torch.nn.Parameter(torch.tensor(weights).to(dtype))
    goal = torch.tensor(targets).to(dtype)
    optimizer = create([table])
    for batch in ids:
        optimizer.zero_grad()
        at = torch.tensor(batch)
        x = torch.nn.functional.embedding(at, table, sparse=sparse)
        torch.nn.functional.mse_loss(x, goal[at]).backward()
        optimizer.step()
    return table.detach().numpy()


optim = torch.optim
RUNS = [
    ("SGD", {"lr": 0.5}, True, lambda p: optim.SGD(p, lr=0.5)),
    ("SGD", {"lr": 0.2, "momentum": 0.9, "lazy": False}, False, lambda p: optim.SGD(p, lr=0.2, momentum=0.9)),
    (
        "SGD",
        {"lr": 0.2, "momentum": 0.8, "nesterov": True, "weightDecay": 0.01, "lazy": False},
        False,
        lambda p: optim.SGD(p, lr=0.2, momentum=0.8, nesterov=True, weight_decay=0.01),
    ),
    ("Adagrad", {"lr": 0.1}, True, lambda p: optim.Adagrad(p, lr=0.1)),
    (
        "Adagrad",
        {"lr": 0.1, "initialAccumulator": 0.1, "eps": 1e-4, "weightDecay": 0.01, "lazy": False},
        False,
        lambda p: optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.1, eps=1e-4, weight_decay=0.01),
    ),
    # SparseAdam adds eps before the bias correction, Adam and tokenbed after it: a small one hides the difference.
    ("Adam", {"lr": 0.01, "eps": 1e-12}, True, lambda p: optim.SparseAdam(p, lr=0.01, eps=1e-12)),
    ("Adam", {"lr": 0.01, "lazy": False}, False, lambda p: optim.Adam(p, lr=0.01, foreach=False)),
    (
        "Adam",
        {"lr": 0.02, "beta1": 0.8, "beta2": 0.99, "eps": 1e-3, "weightDecay": 0.01, "lazy": False},
        False,
        lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.01, foreach=False),
    ),
    ("AdamW", {"lr": 0.01, "lazy": False}, False, lambda p: optim.AdamW(p, lr=0.01, foreach=False)),
    (
        "AdamW",
        {"lr": 0.02, "weightDecay": 0.3, "lazy": False},
        False,
        lambda p: optim.AdamW(p, lr=0.02, weight_decay=0.3, foreach=False),
    ),
]

runs = []
for name, options, sparse, create in RUNS:
    torch.set_num_threads(1)
    single, double = (train(create, sparse, dtype) for dtype in (torch.float32, torch.float64))
    runs.append(
        {
            "optimizer": name,
            "options": options,
            "torch": type(create([torch.nn.Parameter(torch.zeros(1))])).__name__,
            "distance": float(np.abs(single - double).max()),
            "f64": double.astype("<f8").tobytes().hex(),
        }
    )
    print(name, options, runs[-1]["distance"])

golden = {
    "torch": torch.__version__.split("+")[0],
    "dim": DIM,
    "weights": weights.tobytes().hex(),
    "targets": targets.tobytes().hex(),
    "ids": ids,
    "runs": runs,
}
lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
Path(__file__).with_name("optimizers.json").write_text(f"{{\n{lines}\n}}\n")
