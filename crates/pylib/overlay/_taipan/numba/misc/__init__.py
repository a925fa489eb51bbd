"""Names that Numba has here."""
