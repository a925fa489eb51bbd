"""`bytes` and `bytearray` going through a generator at once, and `bytes` of lists in loops."""


def cipher(data, key):
    size = len(key)
    return bytes(byte ^ key[i % size] for i, byte in enumerate(data))


def doubled(data):
    return bytearray(byte * 2 for byte in data)


data = bytes(range(120)) * 5
secret = cipher(data, b"taipan")
print(secret[:10], cipher(secret, b"taipan") == data, len(secret), type(secret).__name__)
print(doubled(data)[:6], type(doubled(data)).__name__, len(doubled(b"")), cipher(b"", b"x"))

log = []


def noisy(items):
    for item in items:
        log.append(item)
        yield item


class Index:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Index({self.value})"

    def __index__(self):
        log.append("index")
        return self.value


def attempt(kind, items):
    log.clear()
    try:
        result = kind(x for x in noisy(items))
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(result, log[-3:], len(log))


def collect(items):
    return bytes(x + 1 for x in items)


def collect_array(items):
    return bytearray(x for x in items)


rows = [list(range(50)), [True, False, 3], [254, 255, 1], [1, -1, 5], [1, 256, 5], [1, 2.5, 3], [1, "a"], [1, None]]
for _ in range(30):
    for row in rows:
        for f in (collect, collect_array):
            try:
                f(row)
            except Exception:
                pass
for row in rows + [[1, Index(7), 2], [1, Index(700), 2], [1 << 80]]:
    for f in (collect, collect_array):
        try:
            print(f(row)[:5])
        except Exception as error:
            print(type(error).__name__, error)
    attempt(bytes, row)
    attempt(bytearray, row)


def inner(n):
    # The failing item stands in the middle; what comes behind it must not run.
    seen = []

    def items():
        for i in range(n):
            seen.append(i)
            yield i if i != 70 else 1000

    try:
        bytes(x for x in items())
    except ValueError as error:
        return str(error), len(seen)
    return "fine", len(seen)


for n in (10, 60, 100, 200):
    print([inner(n) for _ in range(20)][-1])


def made(n):
    out = bytearray()
    for i in range(n):
        out.extend(bytes([i & 63]) * (1 + i % 3))
        out += bytes([i & 7, 255])
    return len(out), sum(out), bytes(out[:7])


print(made(500))


def kinds(values):
    found = []
    for v in values:
        try:
            found.append(bytes(v))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


class Sub(bytes):
    pass


class Own:
    def __bytes__(self):
        return b"own"


values = [[1, 2], b"abc", bytearray(b"xyz"), (1, 2), 3, [], [256], [-1], ["a"], [True], Sub(b"sub"), Own(), range(3), "s", None]
for _ in range(20):
    result = kinds(values)
print(result)
same = b"same"
print(all(bytes(same) is same for _ in range(300)))
