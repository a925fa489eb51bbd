# A float is itself, whatever its representation.
def same(x):
    return x is x, x is not x


for value in (-0.0, float("nan"), float("inf"), 1.5, 1e-300, 1e300):
    seen = {same(value) for _ in range(3000)}
    print(value, seen)
