//! What programs see when they use up the memory that they may have: MemoryError, after which they go on.

use std::process::Command;

/// Kilobytes of address space of each run.
const LIMIT: u32 = 400_000;

/// What fills the memory, as a function body in which `items` is what is to be dropped afterwards.
const PROGRAMS: &[(&str, &str)] = &[
    ("list.append", "while True: items.append(1)"),
    ("doubles", "while True: items.append(1.5)"),
    ("list +=", "items = [1] * 1000\nwhile True: items += items"),
    ("list.extend", "while True: items.extend(range(1000))"),
    ("slice assignment", "items = [1]\nwhile True: items[:0] = items"),
    ("list of an iterator", "list(iter(int, 1))"),
    ("list of a generator", "list(i for i in range(10**12))"),
    ("comprehension", "items = [i for i in range(10**12)]"),
    ("sorted", "sorted(range(10**12))"),
    ("tuple", "tuple(range(10**12))"),
    ("copies", "items = [0] * 100000\nkept = []\nwhile True: kept.append(items[:])"),
    ("dict", "items = {}\ni = 0\nwhile True:\n    items[i] = i\n    i += 1"),
    ("dict.fromkeys", "dict.fromkeys(range(10**12))"),
    ("set.add", "items = set()\ni = 0\nwhile True:\n    items.add(i)\n    i += 1"),
    ("set of a range", "set(range(10**12))"),
    ("deque", "from collections import deque\nitems = deque()\nwhile True: items.append(1)"),
    ("array", "import array\nitems = array.array('q')\nwhile True: items.append(1)"),
    ("str +=", "items = 'x' * 1000\nwhile True: items += items"),
    ("bytearray", "items = bytearray(1000)\nwhile True: items += bytes(items)"),
    ("BytesIO", "import io\nitems = io.BytesIO()\nwhile True: items.write(b'x' * 100000)"),
    ("StringIO", "import io\nitems = io.StringIO()\nwhile True: items.write('x' * 100000)"),
    ("repr", "repr(['x' * 1000] * 10**6)"),
    ("join", "''.join(['x' * 1000] * 10**6)"),
    ("small objects", "items = None\nwhile True: items = [items]"),
    ("instances", "class C: pass\nwhile True:\n    c = C()\n    c.a = items\n    items = c"),
    ("strs of a map", "list(map(str, range(10**12)))"),
];

#[test]
fn memory_error_where_memory_ends() {
    for jit in ["off", "on"] {
        for (name, body) in PROGRAMS {
            let body = body.replace('\n', "\n    ");
            let program = format!(
                "def fill():\n    items = []\n    {body}\nfor _ in range(2):\n    try:\n        fill()\n    except MemoryError:\n        print('MemoryError')\n"
            );
            let shell = format!("ulimit -v {LIMIT}; exec \"$0\" -S -X jit={jit} -c \"$1\"");
            let run = Command::new("sh").args(["-c", &shell, env!("CARGO_BIN_EXE_taipan"), &program]).output();
            let run = run.expect("there is a shell");
            let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
            assert_eq!(out, "MemoryError\nMemoryError\n", "{name}, jit={jit}: {err}");
        }
    }
}
