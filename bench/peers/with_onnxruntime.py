"""ONNX Runtime from Python, with IO binding: table, ids and rows are in memory of the bench, used in place."""

import numpy
import onnxruntime

VERSION = onnxruntime.__version__


def gather(job):
    dim = job.length // job.n
    ids = job.pool
    out = job.room()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(bytes(job.model), options, ["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_input("table", "cpu", 0, numpy.float32, [len(job.table) // dim, dim], job.table.ctypes.data)
    binding.bind_output("rows", "cpu", 0, numpy.float32, [job.n, dim], out.ctypes.data)
    start, step, many, shape = ids.ctypes.data, 4 * job.n, len(ids) // job.n, [job.n]
    bind, run = binding.bind_input, session.run_with_iobinding

    def call(k):
        bind("ids", "cpu", 0, numpy.int32, shape, start + k % many * step)
        run(binding)

    return call, lambda: out


CONTENDERS = [{"name": "onnxruntime, IO binding", "backend": "cpu", "ops": {"gather": gather}}]
