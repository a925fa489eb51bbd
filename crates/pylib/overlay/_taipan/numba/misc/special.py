"""Names that Numba has here."""

from numba.core.special import *
