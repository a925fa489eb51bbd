# The embedded package numba: decorators, overloads, signatures, typed containers, functions of sequences.
import array
import copy
import pickle

from numba import config, errors, float64, guvectorize, int32, int64, jit, njit, objmode, prange, typed, typeof, types, uint8, vectorize
from numba.core.errors import NumbaError, TypingError
from numba.typed import Dict, List


def shows(what, *args, **keywords):
    try:
        print(what(*args, **keywords))
    except Exception as error:
        print(type(error).__name__, error)


@jit
def add(a, b=2):
    "Adds."
    return a + b


print(type(add).__name__, add.__name__, add.__doc__, add.__wrapped__ is add.py_func, repr(add).startswith("CPUDispatcher(<function add"))
print(add.signatures, add(1), add(1.5), add("a", "b"), add(b=1, a=2), add([1], [2]), add([1.5], []))
print(add.signatures)
print(add.nopython_signatures)
print(sorted(add.stats.cache_misses.values()), add.targetoptions)
for text in add.inspect_asm().values(), add.inspect_llvm().values():
    print(len(text) == len(add.signatures), all(isinstance(t, str) and t for t in text))
print(len(add.inspect_cfg()) == len(add.signatures))
add.recompile()
print(add(3), add(1.0))
shows(add)
shows(add, 1, 2, 3)
shows(add, 1, "x")
add.disable_compile()
shows(add, (1,), (2,))
print(add(5, 6), pickle.loads(pickle.dumps(add)) is add, copy.copy(add) is add)


@njit("float64(float64, int64)")
def scaled(x, k):
    return x * k


print(scaled.signatures, scaled.nopython_signatures, scaled(3, 2), scaled(1.5, 2.9), scaled(True, 3))
shows(scaled, "a", 1)
shows(scaled, 1.0)


@jit([int64(int64), float64(float64)], nopython=True, cache=True, fastmath=True, nogil=True, parallel=True, boundscheck=True,
     error_model="numpy", inline="never", looplift=True, locals={"y": int64})
def twice(x):
    y = x * 2
    return y


print(twice.signatures, twice(2), twice(2.5), twice(True))
shows(twice, 1j)
shows(jit, foo=1)
shows(jit("f8(f8"), lambda x: x)
shows(jit("nothing(f8)"), lambda x: x)
shows(jit, int)
shows(jit, len)


@njit
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@jit(parallel=True)
def squares(n):
    total = 0
    for i in prange(n):
        total += i * i
    return total


@jit
def numbers(n):
    for i in range(n):
        yield i * 1.5


@jit
def text(n):
    with objmode(s="unicode_type"):
        s = f"<{n}>"
    return s


@jit
def caught(d, key):
    try:
        return d[key]
    except KeyError as error:
        return error.args


print(fib(15), squares(1000), sum(numbers(200)), text(12), caught({1: 2}, 1), caught({1: 2}, 3), fib(2**70 // 2**68))
print(sum(add.py_func(i, i) for i in range(100)), sum(fib(i % 5) for i in range(300)))


class Account:
    def __init__(self, amount):
        self.amount = amount

    @jit
    def grown(self, rate):
        return self.amount * rate

    @staticmethod
    @jit
    def rounded(x):
        return round(x)


accounts = [Account(i) for i in range(50)]
print(sum(a.grown(2) for a in accounts for _ in range(20)), Account.rounded(2.6), Account.grown(accounts[3], 1.5))
print(Account.grown.signatures)


def outer(k):
    @jit
    def inner(x):
        return x + k
    return inner


print([outer(k)(1) for k in range(3)], sum(map(outer(1), range(100))))


def calls(f, n):
    total = 0
    for i in range(n):
        total += f(i, 1)
    return total


print(calls(add, 500), calls(scaled, 500), calls(lambda a, b: a, 500))

# Types.
for value in (1, 2**63, 1.0, True, "a", b"a", None, [1], [[1.0]], (1, 2), (1, 2.0), (), {1}, 1j, slice(1, 2), bytearray(b"x"),
              array.array("d", [1]), memoryview(b"ab"), List([1])):
    print(repr(typeof(value)), typeof(value), typeof(value) == typeof(copy.copy(value)) if not isinstance(value, memoryview) else "")
shows(typeof, object())
print(int32(2**31), uint8(300), int64(3.9), types.float32(0.1), types.boolean(3), types.complex128(2))
print(int64[:], float64[:, ::1], types.UniTuple(int64, 3), types.Tuple((int64, float64)), types.List(int64), types.DictType(int64, float64),
      types.ListType(int64), types.Optional(int64), types.void, float64(int64, int32), types.i8 is types.int64)

# Containers.
items = List()
items.append(1)
shows(items.append, "a")
items.append(2.7)
items.extend([3, 4])
items[0] = True
print(items, repr(items), len(items), items[1:], items == [1, 2, 3, 4], sum(items), typeof(items))
table = Dict.empty(types.int64, types.float64)
table[1] = 2
shows(table.__setitem__, "a", 1)
print(table, repr(table), table.get(5), table.setdefault(7, 1), list(table.items()), typed.Dict({1: 2}), pickle.loads(pickle.dumps(table)) == table)
try:
    items.append(None)
except NumbaError as error:
    print(type(error) is TypingError is errors.TypingError, error.msg)


# Functions of sequences.
@vectorize
def total(a, b):
    return a + b


print(total, total(1, 2), total([1, 2], [3, 4.5]), total(1, [2, 3]), total(array.array("i", [1, 2]), 1), total([[1], [2]], 5))
shows(total, [1, 2, 3], [1, 2])
shows(total, 1)
out = [0, 0]
print(total([1, 2], [3, 4], out=out) is out, out)


@vectorize(["int64(int64, int64)", "float64(float64, float64)"])
def product(a, b):
    return a * b


print(product.types, product(2, 3), product(2, 1.5), product([1, 2], [3, 4]), product.reduce([1, 2, 3, 4]), product.accumulate([1, 2, 3]),
      product.outer([1, 2], [3, 4]))
shows(product, "a", 1)


@guvectorize(["void(int64[:], int64, int64[:])"], "(n),()->(n)")
def shifted(x, y, result):
    for i in range(x.shape[0]):
        result[i] = x[i] + y


@guvectorize([(float64[:], float64[:])], "(n)->()")
def mean(x, result):
    result[0] = 0
    for v in x:
        result[0] += v / len(x)


@guvectorize([(float64[:, :], float64[:, :], float64[:, :])], "(m,n),(n,p)->(m,p)")
def matmul(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


print(shifted([1, 2, 3], 2), shifted([[1, 2], [3, 4]], [10, 20]), mean([1, 2, 3]), mean([[1, 2], [3, 5]]), mean.signature)
print([list(row) for row in matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]])])
shows(matmul, [[1, 2]], [[1]])
shows(guvectorize(["void(f8[:])"], "(n)"), lambda x: x)
shows(guvectorize("(n)->(m)"), lambda x, y: x)
print(config.DISABLE_JIT)
