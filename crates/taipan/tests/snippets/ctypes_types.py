# ctypes: types, memory, calls and callbacks; what C memory refers to survives collections.
import ctypes, gc, sys
from ctypes import *

def attempt(f):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)

print(c_int(-5), c_ubyte(300), c_double(2), c_bool(3), c_char(b"x"), c_wchar("é"), c_longlong(1 << 70), c_longdouble(0.1).value, c_void_p(), c_void_p(16).value)
for f in (lambda: c_int("a"), lambda: c_char("ab"), lambda: c_char_p(1.5), lambda: (c_int * 2)(1, 2, 3), lambda: (c_int * 2)()[2], lambda: Structure()): attempt(f)
class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_short), ("flag", c_uint, 3), ("rest", c_int, 5)]
    def __repr__(self): return f"Point({self.x}, {self.y}, {self.flag}, {self.rest})"
class Both(Union): _fields_ = [("i", c_uint32), ("f", c_float), ("b", c_ubyte * 4)]
class Big(BigEndianStructure): _pack_ = 1; _layout_ = "ms"; _fields_ = [("a", c_ubyte), ("b", c_uint32), ("name", c_char * 4)]
class Outer(Structure): _anonymous_ = ["p"]; _fields_ = [("p", Point), ("points", Point * 2), ("next", POINTER(Point)), ("text", c_char_p)]
p = Point(1, y=-2, flag=9, rest=-3); print(p, sizeof(Point), Point.y, Point.rest.bit_offset, Point.rest.bit_size, bytes(p)[:6])
u = Both(f=1.0); print(hex(u.i), list(u.b)); big = Big(1, 0x01020304, b"abc"); print(bytes(big), big.b, big.name)
o = Outer(p, ((1, 2), (3, 4)), pointer(p), b"kept"); gc.collect()
print(o.x, o.points[1], o.next.contents, o.text, sizeof(Outer), alignment(Outer), o.next[0].y); o.rest = 7; print(o.p, p)
print(memoryview(Big()).format, memoryview((c_int * 3 * 2)()).shape, memoryview(c_double(1.5)).ndim, memoryview(c_double(1.5)).tobytes())

# Memory: buffers, pointers, casts, resize, pickles.
data = bytearray(8); n = c_uint32.from_buffer(data, 4); n.value = 0x11223344; print(data, c_uint16.from_buffer_copy(data, 4)); attempt(lambda: data.append(1)); attempt(lambda: c_int.from_buffer(b"abcd"))
texts = (c_char_p * 100)(*[b"text %d" % i for i in range(100)]); garbage = [bytes(50) for _ in range(1000)]; gc.collect(); print(texts[0], texts[99], len(texts._objects))
arr = (c_int * 5)(*range(5)); ptr = cast(arr, POINTER(c_int)); del arr; gc.collect(); print(ptr[:5], ptr[4:0:-2]); pp = pointer(ptr); print(pp.contents.contents, pp[0][3])
buf = create_string_buffer(b"hello", 10); print(buf.value, buf.raw, string_at(buf), string_at(addressof(buf) + 1, 3)); memset(buf, ord("z"), 2); memmove(addressof(buf) + 3, b"XY", 2); print(buf.value)
w = create_unicode_buffer("wide é"); print(w.value, len(w), wstring_at(w, 4)); attempt(lambda: setattr(buf, "value", b"x" * 11))
x = c_int(7); resize(x, 64); print(sizeof(x), x.value); attempt(lambda: resize(x, 1)); import pickle; print(pickle.loads(pickle.dumps(big)).b)
thing = py_object([1, 2]); del garbage; gc.collect(); print(thing.value, py_object(5).value); attempt(lambda: py_object().value)

# Calls.
libc = CDLL(None, use_errno=True); libc.strtod.restype = c_double; libc.strtod.argtypes = [c_char_p, c_void_p]
print(libc.abs(-3), libc.strlen(b"four"), libc.strtod(b"2.5e1", None)); out = create_string_buffer(60)
libc.snprintf.argtypes = [c_char_p, c_size_t, c_char_p]; print(libc.snprintf(out, 60, b"%d %s %.2f %c", 5, b"str", c_double(1.5), 113), out.value)
attempt(lambda: libc.strtod(5, None)); attempt(lambda: libc.strtod(b"1")); attempt(lambda: libc.abs(1.5)); attempt(lambda: CDLL("no_such_library.so"))
class Div(Structure): _fields_ = [("quot", c_int), ("rem", c_int)]
libc.div.restype = Div; d = libc.div(17, 5); print(d.quot, d.rem)
libc.abs.errcheck = lambda result, f, args: (result, args); print(libc.abs(-9)); del libc.abs.errcheck
set_errno(0); libc.open.argtypes = [c_char_p, c_int]; print(libc.open(b"/no/such/file", 0), get_errno())
proto = CFUNCTYPE(c_int, c_int); print(proto(("abs", libc), ((1, "value", -8),))(), proto(("abs", libc), ((1, "value"),))(value=-6))

# Callbacks, which collect; from another thread too.
CMP = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int)); calls = []
def compare(a, b): calls.append([a[0]]); gc.collect() if len(calls) % 7 == 0 else None; return a[0] - b[0]
values = (c_int * 12)(*[(i * 7) % 12 for i in range(12)]); libc.qsort.restype = None; libc.qsort(values, 12, sizeof(c_int), CMP(compare)); print(list(values), len(calls) > 10)
add = CFUNCTYPE(c_double, c_double, c_float, c_char_p, py_object)(lambda a, b, s, o: a + b + len(s) + len(o)); print(add(1.5, 2.5, b"abc", (1, 2)))
bad = CFUNCTYPE(c_int)(lambda: 1 / 0); sys.unraisablehook = lambda a: print("unraisable", a.exc_type.__name__, a.err_msg[:46]); bad()
START = CFUNCTYPE(c_void_p, c_void_p); results = []
def body(arg): results.append(("thread", arg, [i for i in range(3)])); gc.collect(); return arg + 1
start, tid, ret = START(body), c_ulong(), c_void_p(); print(libc.pthread_create(byref(tid), None, start, c_void_p(41)), libc.pthread_join(tid, byref(ret)), ret.value, results)
import ctypes.util; print(any("libc" in (name or "") for name in ctypes.util.dllist()), ctypes.util.find_library("no_such_lib")); print("done")
