"""The parts of Numba's interface."""
