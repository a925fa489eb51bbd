"""Numba's interface over Taipan's own compiler.

Everything runs without this package at the same speed; it serves programs written for Numba. docs/numba.md says what differs.
"""

import sys

from numba.core import config, errors, types
from numba.core.decorators import cfunc, jit, jit_module, njit, stencil
from numba.core.errors import *
from numba.core.special import (
    gdb, gdb_breakpoint, gdb_init, get_num_threads, get_parallel_chunksize, get_thread_id, literal_unroll, literally,
    objmode, parallel_chunksize, pndindex, prange, set_num_threads, set_parallel_chunksize, threading_layer,
)
from numba.core.types import *
from numba.core.types import void
from numba.core.typing import typeof
from numba.np.ufunc import guvectorize, vectorize
from numba import typed
from numba import experimental

__version__ = "0.68.1"
_VERSION_FIELDS = (0, 68, 1)


class version_info:
    """The version of Numba whose interface this is."""

    major, minor, patch = _VERSION_FIELDS
    short = _VERSION_FIELDS[:2]
    full = _VERSION_FIELDS
    string = __version__
    tuple = ("0", "68", "1")
    git_revision = None


# As in Numba these names are modules as well as attributes.
sys.modules[__name__ + ".types"] = types
sys.modules[__name__ + ".errors"] = errors
sys.modules[__name__ + ".config"] = config

__all__ = [
    "cfunc", "config", "errors", "guvectorize", "jit", "jit_module", "literal_unroll", "literally", "njit", "objmode",
    "prange", "stencil", "typed", "typeof", "types", "vectorize", "void", "get_num_threads", "set_num_threads",
    "get_parallel_chunksize", "set_parallel_chunksize", "parallel_chunksize", "get_thread_id", "threading_layer",
    *types.__all__, *errors.__all__,
]
