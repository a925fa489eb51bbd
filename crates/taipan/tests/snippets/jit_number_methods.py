"""Methods of numbers in hot code: small and large ints, floats of both kinds, bools, and receivers that change."""


def lengths(numbers):
    return [n.bit_length() for n in numbers]


def whole(numbers):
    return [x.is_integer() for x in numbers]


def described(values):
    out = []
    for v in values:
        out.append(v.__class__.__name__ + ":" + v.__format__(""))
    return out


def packed(numbers):
    total = 0
    for n in numbers:
        total += n.to_bytes(9, "big")[-1]
    return total


def either(numbers):
    return sum(n.as_integer_ratio()[0] for n in numbers)


for _ in range(60):
    small = lengths(range(100))
print(small[:10], small[-1])
print(lengths([0, 1, -1, 2**62 - 1, 2**62, -(2**62), 2**63, 10**30, True]))
for _ in range(60):
    flags = whole([0.0, 1.0, 1.5, -2.0, 1e300, 5e-324, 2.0**60])
print(flags)
try:
    whole([1.0, 2, "x"])
except AttributeError as e:
    print(e)
mixed = [1, 2.5, True, "text", 10**20, 1e-300, -0.0, 3]
for _ in range(60):
    texts = described(mixed)
print(texts)
for _ in range(60):
    sums = packed([1, 2, 255, 256, 2**62, 2**63, True])
print(sums)
for _ in range(60):
    ratio = either([1, 2.5, 3, 0.1, 10**25, True, -4.0])
print(ratio)


class Odd(int):
    def bit_length(self):
        return "odd"


for _ in range(60):
    odd = lengths([1, Odd(2), 3, 2**70, Odd(4)])
print(odd)
try:
    lengths([1, 2, 3.5])
except AttributeError as e:
    print(e)
