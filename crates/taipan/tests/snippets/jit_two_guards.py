"""A loop that begins with two variables of which one way knows that they are ints: an exit names both."""


def walk(shifts, *rest, start=1.5):
    bits = [0]
    known = {3: 10, "a": 5}
    for i in range(2**62, 2**62 + 30):
        wide = 0
        wide = 4611686018427387904 * (known.get(1, wide) % 50) ** 2
        for k in range(1, 4):
            wide += bits[-(wide % len(bits)) - 1] if bits else 4
            count = 0
    for down in range(60, 0, -1):
        pass
    return start, i, wide, k, count, down


for round in range(8):
    print(walk((9, 1), (-4611686018427387905, 7, 10), (7, 1, round)))
