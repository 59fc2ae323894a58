"""torch as a contender, on one thread, as users call it."""

import math

import torch
import torch.nn.functional as F
from peer import Work, floats, integers, serve

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.sparse.check_sparse_tensor_invariants.disable()

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.025),
    "adagrad": lambda weights: torch.optim.Adagrad(weights, lr=0.01),
    # SparseAdam adds eps before it corrects v: with this eps its first step is that of Adam.
    "adam": lambda weights: torch.optim.SparseAdam(weights, lr=0.001, eps=1e-8 * math.sqrt(1 - 0.999)),
}


def table(name, dim):
    return torch.nn.Parameter(torch.from_numpy(floats(name)).view(-1, dim))


def batches(name, size):
    """Ids as int64, torch's type of an index."""
    return torch.from_numpy(integers(name)).long().split(size)


def large(task):
    ids = batches(f"{task['ids']}.i32", task["batch"])
    gradient = torch.from_numpy(floats("gradient.f32")).view(-1, task["dim"])[: task["batch"]]
    return ids, gradient


def backward(task):
    """The rows and values of a sparse gradient, coalesced."""
    ids, gradient = large(task)
    shape = (task["vocab"], task["dim"])
    last = None

    def step(k):
        nonlocal last
        last = None
        rows = ids[k % len(ids)].unsqueeze(0)
        last = torch.sparse_coo_tensor(rows, gradient, shape, check_invariants=False).coalesce()

    return Work(step, lambda: [last.indices().numpy(), last.values().numpy()])


def dense(task):
    """The default: a gradient as large as the table."""
    ids, gradient = large(task)
    weight = table("table.f32", task["dim"])
    out = None

    def before(k):
        nonlocal out
        out = F.embedding(ids[k % len(ids)], weight)

    def step(_):
        weight.grad = None
        out.backward(gradient)

    def answer():
        rows = ids[0].unique()
        return [rows.numpy(), weight.grad[rows].numpy()]

    return Work(step, answer, before)


def step(task):
    ids, gradient = large(task)
    weight = table("table.f32", task["dim"])
    optimizer = OPTIMIZERS[task["optimizer"]]([weight])
    out = None

    def before(k):
        nonlocal out
        out = F.embedding(ids[k % len(ids)], weight, sparse=True)

    def step(_):
        out.backward(gradient)
        optimizer.step()
        optimizer.zero_grad()

    return Work(step, lambda: [weight.detach()[ids[0]].numpy()], before)


def small(task):
    ids, gradient = large(task)
    weight = table("table.f32", task["dim"])
    optimizer = OPTIMIZERS[task["optimizer"]]([weight])

    def step(k):
        F.embedding(ids[k % len(ids)], weight, sparse=True).backward(gradient)
        optimizer.step()
        optimizer.zero_grad()

    return Work(step, lambda: [weight.detach()[ids[0]].numpy()])


def skipgram(task):
    dim, batch, width = task["dim"], task["batch"], 1 + task["negatives"]
    inputs, outputs = table("inputs.f32", dim), table("outputs.f32", dim)
    centers = batches("centers.i32", batch)
    scored = [each.view(batch, width) for each in batches("scored.i32", batch * width)]
    labels = torch.zeros(batch, width)
    labels[:, 0] = 1
    optimizer = OPTIMIZERS[task["optimizer"]]([inputs, outputs])

    def step(k):
        hidden = F.embedding(centers[k % len(centers)], inputs, sparse=True)
        rows = F.embedding(scored[k % len(scored)], outputs, sparse=True)
        scores = torch.bmm(rows, hidden.unsqueeze(2)).squeeze(2)
        F.binary_cross_entropy_with_logits(scores, labels, reduction="sum").backward()
        optimizer.step()
        optimizer.zero_grad()

    return Work(step, lambda: [inputs.detach()[centers[0]].numpy(), outputs.detach()[scored[0]].numpy()])


def loss(task):
    rows, columns = task["shape"]
    scores = torch.from_numpy(floats("scores.f32"))[: rows * columns].view(rows, columns).requires_grad_()
    targets = torch.arange(rows) * 7919 % columns
    last = None

    def step(_):
        nonlocal last
        scores.grad = None
        last = F.cross_entropy(scores, targets)
        last.backward()

    return Work(step, lambda: [last.detach().numpy(), scores.grad.numpy()])


serve({"backward": backward, "dense": dense, "step": step, "small": small, "skipgram": skipgram, "loss": loss})
