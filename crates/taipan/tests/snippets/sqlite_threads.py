"""Two threads use one connection whose callbacks are Python functions: whoever waits for the library lets go of the GIL."""
import sqlite3
import sys
import threading

sys.setswitchinterval(1e-5)
connection = sqlite3.connect(":memory:", check_same_thread=False)


def sums(x):
    total = 0
    for i in range(20):
        total += i * x
    return total


connection.create_function("sums", 1, sums)
connection.set_progress_handler(lambda: 0, 50)
connection.set_authorizer(lambda *args: sqlite3.SQLITE_OK)
connection.set_trace_callback(lambda text: None)
connection.create_collation("plain", lambda a, b: (a > b) - (a < b))
connection.execute("create table t(a, b)")
connection.executemany("insert into t values(?, ?)", [(i, str(i)) for i in range(100)])


def work():
    for _ in range(15):
        cursor = connection.execute("select sums(a), b from t order by b collate plain")
        cursor.fetchmany(3)
        assert len(list(cursor)) == 97
        next(connection.execute("select sums(a) from t where a > ?", (5,)))
        connection.total_changes, connection.in_transaction


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
