"""Limits that cannot be set, and ints that there is no room for under a limit."""
import resource
import subprocess
import sys

soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
for limit in (-2, -(2**31), -(2**63), -(2**1000), 2**64, "1", 1.5):
    for limits in ((limit, hard), (soft, limit)):
        try:
            resource.setrlimit(resource.RLIMIT_CORE, limits)
        except (ValueError, OverflowError, TypeError) as e:
            print(type(e).__name__, e)
print(resource.getrlimit(resource.RLIMIT_CORE) == (soft, hard))

code = """
import resource
resource.setrlimit(resource.RLIMIT_DATA, (1 << 31, 1 << 31))
for make in (lambda: 1 << (1 << 36) - 1, lambda: 5 << (1 << 35)):
    try:
        print(make().bit_length())
    except MemoryError:
        print("MemoryError")
print(sum(range(1000)))
"""
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
