# Lists, tuples, strs, dicts and sets in hot loops: indices of all kinds, slices, changes during iteration.


def index(seq, indices):
    out = []
    for i in indices:
        try:
            out.append(seq[i])
        except (IndexError, TypeError, KeyError) as e:
            out.append(f"{type(e).__name__}: {e}")
    return out


def store(items, indices):
    for i in indices:
        try:
            items[i] = i
        except IndexError as e:
            items.append(str(e))
    return items


def slices(seq):
    out = []
    for i in range(-4, 5):
        for j in (None, -2, 0, 3):
            out.append((seq[i:j], seq[j:i], seq[i::2], seq[::-1]))
    return out


def growing(n):
    items = [1, 2, 3]
    for x in items:
        if len(items) < n:
            items.append(x + 1)
    return items


def shrinking(n):
    items = list(range(n))
    seen = []
    for x in items:
        seen.append(x)
        if x % 3 == 0:
            del items[0]
    return seen, items


def shared(n):
    it = iter(range(n))
    out = []
    for x in it:
        out.append(x)
        if x % 4 == 0:
            out.append(("skipped", next(it, None)))
    return out, list(it)


def unpack(pairs):
    total = 0
    for a, (b, *c), d in pairs:
        total += a + b * len(c) + d
    first, *rest = pairs
    return total, len(rest)


def counted(words):
    counts = {}
    for w in words:
        counts[w] = counts.get(w, 0) + 1
    for k in sorted(counts):
        counts[k] *= 2
    try:
        for k in counts:
            counts[k + "x"] = 1
    except RuntimeError as e:
        counts["error"] = str(e)
    return counts


def strings(text):
    out, n = "", 0
    for i, c in enumerate(text):
        if c in "aeiou":
            out += c.upper()
        elif c > "m":
            out = c + out
        n += ord(c) * i
        n += text[i] == c
        n += text[-1 - i] <= c
    return out, n


def zipped(n):
    out = []
    for i, (a, b) in enumerate(zip(range(n), "abcdef" * n), 3):
        out.append(i * a)
        if b == "c":
            continue
        if a > 15:
            break
    else:
        out.append("else")
    return out


def sets(n):
    s, t = set(), {1, 2}
    for i in range(n):
        s.add(i * 7 % 11)
        t ^= {i % 5}
        if i in s:
            s.discard(i)
    return sorted(s), sorted(t), sorted(s | t), sorted(s & t), sorted(s - t)


for r in range(6):
    indices = [0, 1, -1, -3, 2, 5, -6, True, 2**70, "x", 1.0, 0]
    for seq in ([1, 2, 3], (4, 5, 6), "xyz", b"abc", range(3), {0: "zero", -1: "last"}):
        print(index(seq, indices))
    print(store([0] * 5, [0, -1, 4, -5, 5, -6, 7]))
    print(slices([1, 2, 3, 4])[::7], slices("hello")[::9], slices((1, 2))[::11])
    print(growing(40), shrinking(30), shared(20))
    print(unpack([(i, (i + 1, 2, 3), 4) for i in range(20)]))
    print(counted("a b c a b a d".split() * 4), strings("the quick brown fox jumps" * 2), zipped(10 + r * 4), sets(40))


def items_of(sequences):
    # What an index that is out of range is told depends on the sequence.
    out = []
    for s in sequences:
        for i in (0, 1, 7, -1, -9):
            try:
                s[i]
            except IndexError as e:
                out.append(str(e))
    return sorted(set(out))


import array

for kind in (b"abc", bytearray(b"abc"), array.array("i", [1, 2]), [1, 2], (1, 2), "ab", range(3), memoryview(b"abc")):
    for _ in range(40):
        texts = items_of([kind] * 3)
    print(type(kind).__name__, texts)
print(items_of([b"abc", [1, 2], (1, 2), "ab", bytearray(b"x")] * 20))
