"""Without the collector a program still gets back the memory of what it drops, and its finalisers run."""
import gc
import resource

finalised = 0


class Noisy:
    def __del__(self):
        global finalised
        finalised += 1


gc.disable()
print(gc.isenabled())
for i in range(2_000_000):
    pair = [i, [i]]
    if i % 1000 == 0:
        Noisy()
print(finalised > 1000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 200_000)
gc.enable()
print(gc.isenabled())
