"""torch, on one thread and without gradients, as users call it."""

import math

import numpy
import torch
import torch.nn.functional as F
from memory import values

VERSION = torch.__version__
ISA = torch.backends.cpu.get_cpu_capability().lower()

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.set_grad_enabled(False)


def batches(job):
    """Ids as int64, torch's index type; converted and split before the measurement."""
    return torch.from_numpy(job.pool).long().split(job.n)


def matrix(array, dim):
    return torch.from_numpy(array).view(-1, dim)


def table(job):
    return matrix(job.table, job.length // job.n)


def room(job):
    return torch.from_numpy(job.room())


class Last:
    """The last fresh result. It is dropped before the next is made: the allocator may hand out the same memory."""

    tensor = None


def repeat(ids, work):
    """call(k), for `work` that makes a fresh tensor of a batch."""
    many, last = len(ids), Last()

    def call(k):
        last.tensor = None
        last.tensor = work(ids[k % many])

    return call, lambda: last.tensor.numpy()


def index_select(job):
    weight, ids, out = table(job), batches(job), room(job).view(job.n, -1)
    many = len(ids)

    def call(k):
        torch.index_select(weight, 0, ids[k % many], out=out)

    return call, lambda: out.numpy()


def embedding(job):
    weight = table(job)
    return repeat(batches(job), lambda ids: F.embedding(ids, weight))


def layer_in_place(job):
    weight, ids, out = table(job), batches(job), room(job).view(job.n, -1)
    positions = matrix(job.positions, weight.shape[1])[: job.seq]
    rows, many, scale = out.view(job.batch, job.seq, -1), len(ids), job.scale

    def call(k):
        torch.index_select(weight, 0, ids[k % many], out=out)
        if scale is not None:
            out.mul_(scale)
        rows.add_(positions)

    return call, lambda: out.numpy()


def layer_fresh(job):
    weight = table(job)
    positions = matrix(job.positions, weight.shape[1])[: job.seq]
    ids = [each.view(job.batch, job.seq) for each in batches(job)]
    if job.scale is None:
        return repeat(ids, lambda ids: F.embedding(ids, weight) + positions)
    return repeat(ids, lambda ids: F.embedding(ids, weight) * job.scale + positions)


def bag(job):
    if job.dtype != "f32" or (job.weights is not None and job.mode != "sum"):
        return None  # torch supports weights for sums only
    weight = matrix(job.table, job.length // job.bags)
    offsets = torch.from_numpy(job.offsets)[: job.bags].long()
    weights = None if job.weights is None else torch.from_numpy(job.weights)
    options = {"mode": job.mode, "per_sample_weights": weights, "padding_idx": job.padding}
    return repeat(batches(job), lambda ids: F.embedding_bag(ids, weight, offsets, **options))


def stored(tensor, pages):
    """The same tensor on the requested pages."""
    array = tensor.numpy()
    copy = values(array.size, array.dtype, pages).reshape(array.shape)
    numpy.copyto(copy, array)
    return torch.from_numpy(copy)


def bag_of_stored(job):
    """Sums of rows stored as i8 or i4 (FBGEMM); the sums are f32."""
    if job.dtype not in PREPACKED or job.mode != "sum":
        return None
    prepack, operator = PREPACKED[job.dtype]
    weight = stored(prepack(matrix(job.table, job.dim)), job.pages)
    offsets = torch.from_numpy(job.offsets).long()
    return repeat(batches(job), lambda ids: operator(weight, ids, offsets))


PREPACKED = {
    "i8": (
        torch.ops.quantized.embedding_bag_byte_prepack,
        torch.ops.quantized.embedding_bag_byte_rowwise_offsets,
    ),
    "i4": (
        torch.ops.quantized.embedding_bag_4bit_prepack,
        torch.ops.quantized.embedding_bag_4bit_rowwise_offsets,
    ),
}


def bag_of_halves(job):
    """Sums of rows stored as f16; the sums are f16 too."""
    if job.dtype != "f16":
        return None
    weight = stored(matrix(job.table, job.dim).half(), job.pages)
    offsets = torch.from_numpy(job.offsets).long()
    return repeat(batches(job), lambda ids: F.embedding_bag(ids, weight, offsets, mode=job.mode))


def sinusoid(job):
    last = Last()

    def call(_):
        last.tensor = None
        position = torch.arange(job.rows, dtype=torch.float).unsqueeze(1)
        frequency = torch.exp(torch.arange(0, job.dim, 2).float() * (-math.log(job.base) / job.dim))
        table = torch.zeros(job.rows, job.dim)
        table[:, 0::2] = torch.sin(position * frequency)
        table[:, 1::2] = torch.cos(position * frequency[: job.dim // 2])
        last.tensor = table

    return call, lambda: last.tensor.numpy()


def init(job):
    weight = torch.from_numpy(job.room()).view(job.vocab, job.dim)
    bound = 1 / math.sqrt(job.dim)
    if job.kind == "uniform":
        return lambda _: weight.uniform_(-bound, bound), lambda: weight.numpy()
    if job.kind == "normal":
        return lambda _: weight.normal_(0, bound), lambda: weight.numpy()
    return None


def contender(name, ops, tolerance=0):
    return {"name": name, "backend": "cpu", "isa": ISA, "tolerance": tolerance, "ops": ops}


CONTENDERS = [
    contender("torch.index_select(out=)", {"gather": index_select}),
    contender("torch.embedding", {"forward": embedding}),
    contender("torch, out + add_", {"layer": layer_in_place}),
    contender("torch, fresh", {"layer": layer_fresh}),
    # FBGEMM fuses weights into its sums and multiplies by 1 / n for a mean: other last bits.
    contender("torch.embedding_bag", {"bag": bag}, tolerance=1e-4),
    # It fuses the product of a code and its scale with the sum.
    contender("torch.embedding_bag_byte, _4bit", {"bag": bag_of_stored}, tolerance=1e-4),
    # The sums are rounded to f16: half a step below 32.
    contender("torch.embedding_bag, f16", {"bag": bag_of_halves}, tolerance=2**-7),
    # Angles in f32 are off by the position times 2^-24 and more: 1e-2 at 65,536.
    contender("torch f32 recipe", {"sinusoid": sinusoid}, tolerance=5e-2),
    contender("torch, in place", {"init": init}),
]
