"""What Numba has for numpy's world, on Python's sequences."""
