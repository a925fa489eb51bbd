# modes: stress. What sqlite3 and ctypes keep outside of the heap is found by the collector, and nothing that is used dies.
import _ctypes, _sqlite3, gc

con = _sqlite3.connect(":memory:")
con.execute("create table t (id integer primary key, name text)")
con.executemany("insert into t (name) values (?)", ((f"name{i}",) for i in range(6)))
con.create_function("twice", 1, lambda s: s + s)
class Join:
    def __init__(self): self.items = []
    def step(self, x): self.items.append([x])
    def finalize(self): return ",".join(str(x[0]) for x in self.items)
con.create_aggregate("joined", 1, Join); con.create_collation("backwards", lambda a, b: (a < b) - (a > b))
print([r[0] for r in con.execute("select twice(name) from t order by name collate backwards")], con.execute("select id % 2, joined(id) from t group by 1").fetchall())
seen = []; con.set_trace_callback(seen.append); con.row_factory = _sqlite3.Row
row = con.execute("select id as a, name as b from t where id = ?", (3,)).fetchone(); print(row["a"], row["B"], seen); con.set_trace_callback(None)
def half(): return con.execute("select * from t").fetchone()[0]
print(half()); con.execute("drop table t"); con.close()

class Int(_ctypes._SimpleCData): _type_ = "i"
class Text(_ctypes._SimpleCData): _type_ = "z"
class Object(_ctypes._SimpleCData): _type_ = "O"
class IntPointer(_ctypes._Pointer): _type_ = Int
class Texts(_ctypes.Array): _type_ = Text; _length_ = 5
class Compare(_ctypes.CFuncPtr): _flags_ = 1; _argtypes_ = (IntPointer, IntPointer); _restype_ = Int
class Function(_ctypes.CFuncPtr): _flags_ = 1; _restype_ = None
texts = Texts(*[b"text %d" % i for i in range(5)]); pointer = IntPointer(Int(41)); thing = Object([1, [2]])
print(texts[0], texts[4], pointer.contents.value, pointer[0], thing.value, sorted(texts._objects))
numbers = (Int * 6)(3, 1, 2, 6, 5, 4)
qsort = Function(_ctypes.dlsym(_ctypes.dlopen(None, 0), "qsort"))
def order(a, b): trash = [[a[0]], [b[0]]]; return a[0] - b[0]
qsort(numbers, 6, 4, Compare(order)); print(numbers[:], Int.from_buffer(bytearray(b"\1\0\0\0")).value); gc.collect(); print(numbers[5], texts[2])
