# modes: stress
import sys

print("before")
print("to stderr", file=sys.stderr)


class Stop(Exception):
    """Ends the program."""


try:
    raise ValueError("inner")
except ValueError as error:
    raise Stop("outer") from error
