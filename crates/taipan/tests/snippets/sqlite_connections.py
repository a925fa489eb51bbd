# sqlite3: transactions, callbacks, rows, errors, other threads; nothing is lost to the collector.
import gc, os, sqlite3, tempfile, threading

def attempt(f):
    try: print(f())
    except Exception as e: print(type(e).__name__, e, getattr(e, "sqlite_errorname", ""))

con = sqlite3.connect(":memory:")
con.execute("create table t (id integer primary key, name text, n real, b blob)")
con.executemany("insert into t (name, n, b) values (?, ?, ?)", [(f"name{i}", i / 4, bytes([i] * 3)) for i in range(30)])
print(con.in_transaction, con.total_changes); con.commit()
print(con.execute("select count(*), sum(n) from t").fetchone(), con.execute("pragma foreign_keys").fetchone())
cur = con.execute("select name, b from t where id > 27"); print(cur.description); print(list(cur), cur.rowcount)
print(con.execute("insert into t (name) values ('x') returning id, name").fetchall(), con.in_transaction); con.rollback()

# Callbacks: every one allocates.
con.create_function("twice", 1, lambda s: s * 2, deterministic=True)
class Join:
    def __init__(self): self.items = []
    def step(self, x): self.items.append(str(x))
    def inverse(self, x): self.items.remove(str(x))
    def value(self): return "".join(self.items)
    def finalize(self): return ",".join(self.items)
con.create_aggregate("joined", 1, Join); con.create_window_function("wjoined", 1, Join)
con.create_collation("backwards", lambda a, b: (a < b) - (a > b))
print(con.execute("select twice(name) from t where id < 4").fetchall())
print(con.execute("select id % 3, joined(id) from t group by 1").fetchall())
print(con.execute("select wjoined(id) over (order by id rows between 1 preceding and 1 following) from t limit 4").fetchall())
print([r[0] for r in con.execute("select name from t order by name collate backwards limit 3")])
seen = []; con.set_trace_callback(seen.append); con.execute("select ?", ("it's",)).fetchall(); con.set_trace_callback(None); print(seen)
con.set_authorizer(lambda *a: sqlite3.SQLITE_DENY if a[0] == sqlite3.SQLITE_DELETE else 0)
attempt(lambda: con.execute("delete from t")); con.set_authorizer(None)
ticks = []; con.set_progress_handler(lambda: ticks.append([len(ticks)]) and None, 50)
con.execute("select joined(a.id * b.id) from t a, t b").fetchall(); con.set_progress_handler(None, 0); print(len(ticks) > 3)
con.create_function("fails", 0, lambda: 1 / 0)
attempt(lambda: con.execute("select fails()").fetchall())
attempt(lambda: con.execute("select joined(1) from nope"))
attempt(lambda: con.execute("insert into t (id) values (1)"))
attempt(lambda: con.execute("select ?, ?", (1,)))
attempt(lambda: con.execute("select :a", (1,)))
attempt(lambda: con.executemany("select ?", [(1,)]))

# Rows, factories, adapters and converters.
con.row_factory = sqlite3.Row; row = con.execute("select id as a, name as B from t").fetchone()
print(row["a"], row["b"], row.keys(), tuple(row), len(row), row == row); attempt(lambda: row["c"]); con.row_factory = None
con.text_factory = bytes; print(con.execute("select 'é'").fetchone()); con.text_factory = str
class Point:
    def __init__(self, x, y): self.x, self.y = x, y
    def __conform__(self, protocol): return f"{self.x};{self.y}" if protocol is sqlite3.PrepareProtocol else None
sqlite3.register_converter("point", lambda b: tuple(map(int, b.split(b";"))))
typed = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
typed.execute("create table p (p point)"); typed.execute("insert into p values (?)", (Point(3, 4),))
print(typed.execute("select p, '5;6' as \"q [point]\" from p").fetchone(), typed.execute("select 1 as \"q [point]\"").description[0][0])
typed.close(); attempt(lambda: typed.execute("select 1"))

# Blobs, serialisation, backup, dump.
with con.blobopen("t", "b", 5) as blob: blob[0] = 255; blob[1:3] = b"ab"; print(blob.read(), len(blob), blob[-1])
copy = sqlite3.connect(":memory:"); copy.deserialize(con.serialize()); print(copy.execute("select b from t where id = 5").fetchone())
third = sqlite3.connect(":memory:"); copy.backup(third, pages=1, progress=lambda *a: None); print(third.execute("select count(*) from t").fetchone())
print([line[:30] for line in third.iterdump()][:3]); third.close(); copy.close()

# A cursor that is dropped in the middle of its rows does not keep its lock for ever.
def half(): con.execute("select * from t").fetchone()
half(); con.executescript("begin; drop table t; commit"); print(con.execute("select count(*) from sqlite_master").fetchone())

# Files: autocommit, two connections, threads.
with tempfile.TemporaryDirectory() as d:
    path = os.path.join(d, "x.db"); a = sqlite3.connect(path, autocommit=False); b = sqlite3.connect(path, timeout=0.1, check_same_thread=False)
    a.execute("create table u (x)"); a.commit(); a.execute("insert into u values (1)"); attempt(lambda: b.execute("insert into u values (2)")); a.rollback()
    with b: b.execute("insert into u values (3)")
    print(a.execute("select x from u").fetchall(), b.in_transaction, a.autocommit)
    b.create_function("slow", 1, lambda x: sum(range(x)))
    def work(out): out.append(b.execute("select slow(20000 + x) from u").fetchall())
    out = []; ts = [threading.Thread(target=work, args=(out,)) for _ in range(3)]; [(t.start(), t.join()) for t in ts]; print(out)
    def wrong():
        try: a.execute("select 1")
        except sqlite3.ProgrammingError as e: print(str(e)[:70])
    t = threading.Thread(target=wrong); t.start(); t.join(); a.close(); b.close()
gc.collect(); con.close(); print("done")
