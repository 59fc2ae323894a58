"""numpy: `take` is its gather. The sinusoid table is computed in f64."""

import numpy

VERSION = numpy.__version__


def batches(job):
    """Ids in the type that `take` uses, so that it converts nothing."""
    pool = job.pool.astype(numpy.intp)
    return [pool[start : start + job.n] for start in range(0, len(pool) - job.n + 1, job.n)]


def table(job):
    return job.table.reshape(-1, job.length // job.n)


def take_out(job):
    weight, ids, out = table(job), batches(job), job.room().reshape(job.n, -1)
    many = len(ids)

    def call(k):
        # Without mode='clip' it gathers into a buffer and copies that: mode='raise' promises to leave `out` alone.
        weight.take(ids[k % many], axis=0, out=out, mode="clip")

    return call, lambda: out


def take_fresh(job):
    weight, ids = table(job), batches(job)
    many, last = len(ids), [None]

    def call(k):
        last[0] = None
        last[0] = weight.take(ids[k % many], axis=0)

    return call, lambda: last[0]


def sinusoid(job):
    last = [None]

    def call(_):
        last[0] = None
        position = numpy.arange(job.rows, dtype=numpy.float64)[:, None]
        angle = position * numpy.exp(numpy.arange(0, job.dim, 2) * (-numpy.log(job.base) / job.dim))
        table = numpy.empty((job.rows, job.dim), numpy.float32)
        table[:, 0::2] = numpy.sin(angle)
        table[:, 1::2] = numpy.cos(angle[:, : job.dim // 2])
        last[0] = table

    return call, lambda: last[0]


def nearest(job):
    weight = job.table.reshape(-1, job.dim)
    queries = job.queries.reshape(-1, job.dim)
    norms = numpy.linalg.norm(weight, axis=1) if job.metric == "cosine" else None  # once, as an index keeps them
    many, last = len(queries), [None]

    def call(k):
        query = queries[k % many]
        scores = weight @ query
        if norms is not None:
            scores /= norms * numpy.linalg.norm(query)
        ids = numpy.argpartition(scores, -job.k)[-job.k :]
        ids = ids[numpy.argsort(-scores[ids])]
        last[0] = ids, scores[ids]

    return call, lambda: numpy.concatenate(last[0])


CONTENDERS = [
    {"name": "numpy take(out=)", "backend": "cpu", "ops": {"gather": take_out}},
    {"name": "numpy take", "backend": "cpu", "ops": {"forward": take_fresh}},
    # BLAS adds in another order.
    {"name": "numpy X @ q, argpartition", "backend": "cpu", "tolerance": 1e-4, "ops": {"nearest": nearest}},
    # Rounded twice: an angle of f64 is off by its last bits, which now and then decides the last bit of f32.
    {"name": "numpy f64", "backend": "cpu", "tolerance": 1e-7, "ops": {"sinusoid": sinusoid}},
]
