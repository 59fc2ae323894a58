"""Memory on the requested pages: anonymous and private, advised before it is first touched, on a 2 MiB boundary.

numpy and torch allocate on 4 KiB pages if the system grants larger ones on request only. tokenbed's table lies on the
pages that the case names, so theirs does too.
"""

import mmap

import numpy

HUGE = 2 << 20


def values(length, dtype, pages):
    """An array of `length` values; `pages` is '4KiB' or '2MiB'."""
    dtype = numpy.dtype(dtype)
    size = max(1, length * dtype.itemsize)
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        return numpy.empty(length, dtype)
    memory = mmap.mmap(-1, size + HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE if pages == "2MiB" else mmap.MADV_NOHUGEPAGE)
    bytes_ = numpy.frombuffer(memory, numpy.uint8)
    start = -bytes_.ctypes.data % HUGE
    return bytes_[start : start + length * dtype.itemsize].view(dtype)


def floats(length, pages):
    """As `values`, of f32, with each page touched: an output that is reused."""
    array = values(length, numpy.float32, pages)
    array.fill(0)
    return array
