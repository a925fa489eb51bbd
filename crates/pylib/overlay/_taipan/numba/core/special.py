"""What means something only in compiled code: here it means what it means in Python."""

from numba.core import config
from numba.core.errors import NumbaNotImplementedError

# Rounds run one after the other, whatever `parallel` says.
prange = range


def pndindex(*shape):
    """All indices of an array of this shape, in order."""
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    import itertools
    return itertools.product(*map(range, shape))


class objmode:
    """Code in `with objmode(name="type"):` may use any Python object, as everywhere."""

    __slots__ = ()

    def __init__(self, *args, **types):
        if args:
            raise TypeError("objmode takes the types of variables as keywords")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False


objmode_context = objmode


def literally(value):
    """The value."""
    return value


def literal_unroll(container):
    """The container."""
    return container


_threads = None
_chunk = 0


def get_num_threads():
    """The number that `set_num_threads` was given; loops run on one thread."""
    return config.NUMBA_NUM_THREADS if _threads is None else _threads


def set_num_threads(n):
    """Remember a number of threads."""
    global _threads
    if not isinstance(n, int):
        raise TypeError("the number of threads must be an integer")
    if not 1 <= n <= config.NUMBA_NUM_THREADS:
        raise ValueError(f"the number of threads must be between 1 and {config.NUMBA_NUM_THREADS}")
    _threads = n


def get_thread_id():
    """The number of the thread in a parallel loop."""
    return 0


def threading_layer():
    """The name of the thread pool."""
    return "workqueue"


def get_parallel_chunksize():
    """The number that `set_parallel_chunksize` was given."""
    return _chunk


def set_parallel_chunksize(n):
    """Remember a size of chunks; gives the old one."""
    global _chunk
    if not isinstance(n, int):
        raise TypeError("the size of chunks must be an integer")
    if n < 0:
        raise ValueError("the size of chunks must not be negative")
    old, _chunk = _chunk, n
    return old


class parallel_chunksize:
    """As `set_parallel_chunksize`, for the time of a `with` statement."""

    def __init__(self, n):
        self.new = n

    def __enter__(self):
        self.old = set_parallel_chunksize(self.new)
        return self.old

    def __exit__(self, *exception):
        set_parallel_chunksize(self.old)


def gdb(*args):
    """There is no debugger to attach: Python's own works in compiled functions."""
    raise NumbaNotImplementedError("gdb cannot be attached; use breakpoint()")


gdb_init = gdb_breakpoint = gdb
