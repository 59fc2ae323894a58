"""Writes weights, ids and results of torch as .npy files for compare.ts.

    python examples/pytorch/export.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(7)
torch.set_grad_enabled(False)

layer = torch.nn.Embedding(10_000, 300, padding_idx=0)
bag = torch.nn.EmbeddingBag.from_pretrained(layer.weight, mode="max", padding_idx=0)
ids = torch.randint(0, 10_000, (32, 128))
ids[:, 100:] = 0  # padding at the end of each sequence

arrays = {"weight": layer.weight.detach(), "ids": ids.int(), "rows": layer(ids), "bags": bag(ids)}
for name, array in arrays.items():
    np.save(folder / f"{name}.npy", array.numpy())
print(f"torch {torch.__version__}: rows {tuple(arrays['rows'].shape)}, bags {tuple(arrays['bags'].shape)}")
