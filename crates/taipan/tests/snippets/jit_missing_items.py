# Places where items of lists and tuples often do not exist: sequences that end by IndexError, negative indices, and keys that
# are no ints after all.
class Row:
    def __init__(self, data):
        self.data = data

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Row(self.data[index])
        return self.data[index]

    def __len__(self):
        return len(self.data)


def total(row, n):
    t = 0
    for _ in range(n):
        for x in row:
            t += x
    return t


def ends(row, n):
    t = 0
    for _ in range(n):
        t += row[0] + row[-1] + len(row)
    return t


def tried(row, index):
    try:
        return row[index]
    except IndexError as e:
        return "IndexError " + str(e)
    except TypeError as e:
        return "TypeError " + str(e)


def caught(data, indices):
    found = missing = 0
    for i in indices:
        try:
            found += data[i]
        except IndexError:
            missing += 1
    return found, missing


def uncaught(data, i):
    return data[i]


def where(e):
    tb, found = e.__traceback__, []
    while tb is not None:
        found.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return type(e).__name__, str(e), found[1:]


rows = [Row([]), Row([1, 2]), Row((3, 4, 5)), Row([0.5, 1.5]), Row([True] * 40), Row(())]
for _ in range(4):
    print([total(row, 60) for row in rows])
for _ in range(3):
    print([ends(row, 80) for row in rows[1:5]])
for row in [Row([1, 2, 3]), Row((1.5, "x")), Row([0.25, 4.0]), Row("ab"), Row(b"ab"), Row(range(3)), Row({5: 6})]:
    out = []
    for _ in range(30):
        out = []
        for index in (0, 1, -1, -2, 2, 3, -4, 10**30, 2**62, -(2**62) - 1, True):
            try:
                out.append(tried(row, index))
            except KeyError as e:
                out.append("KeyError %s" % e)
    print(out)
for index in ("a", None, 1.0, slice(0, 1), slice(None, None, -1)):
    for _ in range(30):
        r = tried(Row([7, 8]), index)
    print(r.data if isinstance(r, Row) else r)


class Index:
    def __init__(self, i):
        self.i = i

    def __index__(self):
        return self.i


for _ in range(60):
    r = [tried(Row([7, 8]), Index(i)) for i in (0, 1, 2, -1)]
print(r)
for data in ([1, 2, 3], (1, 2, 3), [1.5, 2.5, 3.5], [10**20, 1, 2]):
    for _ in range(20):
        r = caught(data, [0, 1, 2, 3, -1, -3, -4, 100] * 10)
    print(r)
seen = []
for i in [0, 1, 5, -1, -9] * 60:
    try:
        seen.append(uncaught([1, 2], i))
    except IndexError as e:
        seen.append(where(e))
print(len(seen), seen[-5:])


# A list whose kind changes, and one that its own items' consumer changes.
def drain(stack):
    n = 0
    while True:
        try:
            x = stack[-1]
        except IndexError:
            return n
        n += x if isinstance(x, int) else 1
        stack.pop()


for _ in range(40):
    r = [drain([1, 2, 3]), drain([]), drain([1.5] * 3), drain([1.5, "x", 3]), drain([None])]
print(r)
