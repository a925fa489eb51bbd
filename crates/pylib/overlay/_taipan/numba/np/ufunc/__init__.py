"""Functions of scalars made functions of sequences."""

from numba.np.ufunc.dufunc import DUFunc, vectorize
from numba.np.ufunc.gufunc import GUFunc, guvectorize

__all__ = ["DUFunc", "GUFunc", "guvectorize", "vectorize"]
