"""Calls methods of the built-in types with odd arguments, and formats with odd specifications.

    methods.py SEED ROUNDS [SECONDS] [--last FILE]

Runs ROUNDS rounds (0: until SECONDS are over). Any result and any exception that Python code could expect is right; a
crash, a hang and a SystemError are not. Among the arguments are objects that change the receiver while they are converted.
"""
import array
import decimal
import random
import sys
import time
import warnings

warnings.simplefilter("ignore")
ALLOWED = (TypeError, ValueError, OverflowError, MemoryError, NotImplementedError, LookupError, AttributeError, BufferError, ZeroDivisionError,
           StopIteration, RecursionError, NameError, ArithmeticError)
# Sizes are tiny or such that no machine has the memory: what lies between only takes time.
SIZES = [-2**63 - 1, -2**63, -2**31, -7, -1, 0, 1, 2, 3, 17, 300, 2**61, 2**62, 2**63 - 9, 2**63 - 1, 2**63, 2**64, 2**100]
RANGES = [range(0), range(5), range(-7, 9, 3), range(2**63 - 3, 2**63 + 3), range(2**100, -2**100, -2**98), range(2**62, 2**62 + 300)]
TEXTS = ["", "a", "ab", "aaa", "\0", "é", "ß", "İ", "中文", "\N{SNOWMAN}", "\U0001F40D", "\ud800", "\udc80x", " \t\n\x1c\x85\u2028",
         "123", "٣", "1_0", "0x1f", "a b  c", "ab" * 40, "x" * 300, "utf-8", "strict", "replace", "surrogateescape", "%s %d", "{} {a}"]
BYTES = [b"", b"a", b"ab", b"aaa", b"\0", b"\xff\xfe", b" \t\n\x0b", b"\xc3\xa9", b"\xed\xa0\x80", b"0f 1e", b"ab" * 40, b"x" * 300, b"%s %x"]


class Mischief:
    """Converts to something useful, and changes `victim` on the way."""

    victim = None

    def __init__(self, result):
        self.result = result

    def act(self):
        victim = Mischief.victim
        if isinstance(victim, bytearray | list):
            del victim[len(victim) // 2:]
            victim.extend(b"zz" * (self.result if isinstance(self.result, int) and 0 <= self.result < 500 else 1))
        elif isinstance(victim, dict | set):
            victim.clear()
            victim.update([(1, 2), ("q", 3)])

    def __index__(self):
        self.act()
        return self.result if isinstance(self.result, int) else 1

    def __hash__(self):
        self.act()
        return 5

    def __eq__(self, other):
        self.act()
        return bool(self.result)

    def __lt__(self, other):
        self.act()
        return True

    def __str__(self):
        self.act()
        return str(self.result)

    def __format__(self, spec):
        self.act()
        return str(self.result)

    def __buffer__(self, flags):
        self.act()
        return memoryview(b"buffer")

    def __iter__(self):
        for i in range(5):
            self.act()
            yield i

    def __len__(self):
        self.act()
        return 3

    def __getitem__(self, key):
        self.act()
        return 97

    def __call__(self, *args):
        self.act()
        return self.result


def receivers(rng):
    """An object to call methods of: a fresh one if it can be changed."""
    text, data = rng.choice(TEXTS), rng.choice(BYTES)
    kind = rng.randrange(22)
    if kind < 6:
        return text
    if kind < 9:
        return data
    if kind < 12:
        return bytearray(data)
    makers = [
        lambda: memoryview(bytearray(data)), lambda: list(data), lambda: tuple(text), lambda: dict.fromkeys(text), lambda: set(text),
        lambda: frozenset(data), lambda: rng.choice(SIZES), lambda: rng.choice([0.0, -1.5, 1e300, float("nan"), float("inf"), 5e-324]),
        lambda: 1 - 2j, lambda: rng.choice(RANGES),
    ]
    return makers[kind - 12]()


def argument(rng, receiver):
    kind = rng.randrange(15)
    if kind < 3:
        return rng.choice(SIZES)
    if kind < 6:
        return rng.choice(TEXTS)
    if kind < 8:
        return rng.choice(BYTES)
    if kind == 8:
        return Mischief(rng.choice([0, 1, 5, 300, -1, 2**63, "x", b"y", None]))
    if kind == 9:
        return receiver
    return rng.choice([
        None, True, 1.5, float("nan"), -0.0, 3j, (), ("a", "b"), ("a", 1), [b"x", b"y"], ["x", "y"], {}, {97: "x", 98: None, 99: 0x110000},
        {"a": "b"}, {1, 2}, range(3), slice(None, None, -1), slice(1, 2**70, 3), slice(None, None, Mischief(2)), bytearray(b"q"), memoryview(b"abcdef")[::-2],
        memoryview(b"abcdefgh").cast("H"), array.array("i", [1, 2, 3]), iter("ab"), str, len, "".join, Ellipsis, object(), [Mischief(1), b"x"],
        ("a",) * 500,
    ])


SKIPPED = {"__class__", "__dict__", "__doc__", "__init_subclass__", "__subclasshook__", "__getstate__", "__sizeof__"}


def call_method(rng):
    receiver = receivers(rng)
    Mischief.victim = receiver if rng.random() < 0.7 else None
    name = rng.choice([name for name in dir(receiver) if name not in SKIPPED])
    args = [argument(rng, receiver) for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 4]))]
    note(receiver, name, args)
    method = getattr(receiver, name)
    if callable(method):
        consume(method(*args))


def consume(result):
    if result is None or isinstance(result, int | float | complex | str | bytes):
        return
    if hasattr(result, "__next__"):
        for _ in zip(range(50), result):
            pass
    elif not isinstance(result, range):
        repr(result)


FILLS = ["", "<", ">", "^", "=", "x<", "é^", "\U0001F40D>", "\0=", "{<", "}>"]
SIGNS = ["", "+", "-", " ", "z", "+z"]
WIDTHS = ["", "0", "1", "7", "08", "300", "99999999999999999999", "9223372036854775807", "9223372036854775808", "-1", "١"]
GROUPS = ["", ",", "_", ",_", ",,"]
PRECISIONS = ["", ".0", ".1", ".17", ".300", ".9999999999999999999", ".2147483648", ".", ".,", "._", ".5,", ".-1"]
KINDS = ["", *"bcdeEfFgGnosxX%", "é", "\0", "qq", "N", "y"]
VALUES = [0, -1, 255, 2**70, 0x110000, True, 0.0, -0.0, 1.5, 1e22, 1e-7, 123456.789, float("nan"), float("-inf"), 1.7e308, 1 - 2j, 0j, "text", "é\ud800",
          "", None, b"x", decimal.Decimal("-123.450"), decimal.Decimal("sNaN"), decimal.Decimal("1e999"), [1], Mischief("m")]


def specification(rng):
    parts = [FILLS, SIGNS, ["", "#"], WIDTHS, GROUPS, PRECISIONS, KINDS]
    spec = "".join(rng.choice(part) if rng.random() < 0.7 else part[0] for part in parts)
    if rng.random() < 0.2 and spec:
        at = rng.randrange(len(spec))
        spec = spec[:at] + rng.choice(["{", "}", "", "x", ".", "0", "\N{SNOWMAN}"]) + spec[at + rng.randrange(2):]
    return spec


def format_value(rng):
    value, spec = rng.choice(VALUES), specification(rng)
    note(value, "__format__", [spec])
    format(value, spec)


def format_text(rng):
    fields = []
    for _ in range(rng.randrange(1, 4)):
        name = rng.choice(["", "0", "1", "a", "0.real", "0[0]", "0[", "a.b", "a[-1]", "99999999999999999999", ".x", "[x]", "{}", "0.__class__", "١"])
        conversion = rng.choice(["", "", "", "!r", "!s", "!a", "!", "!x", "!rr"])
        spec = rng.choice(["", ":", ":" + specification(rng), ":{}", ":{0}", ":{0:{1}}", ":{a}"])
        fields.append("{" + name + conversion + spec + rng.choice(["}", "}", "}", "", "}}", "{{"]))
    text = rng.choice(["", "x", "{{", "é"]).join(fields)
    args = [rng.choice(VALUES) for _ in range(rng.randrange(4))]
    note(text, "format", args)
    text.format(*args, a=rng.choice(VALUES))


def format_percent(rng):
    parts = []
    for _ in range(rng.randrange(1, 4)):
        key = rng.choice(["", "", "", "(a)", "((a))", "(", "()"])
        width = rng.choice(["", "5", "*", "-*", "300", "9223372036854775807", "99999999999999999999", "0"])
        precision = rng.choice(["", ".2", ".*", ".", ".300", ".2147483648", ".9223372036854775808"])
        flags = "".join(rng.choice("#0- +") for _ in range(rng.randrange(3)))
        parts.append("%" + key + flags + width + precision + rng.choice(["", "l", "h"]) + rng.choice("diouxXeEfFgGcrsab%\0zé"))
    text = "é".join(parts) if rng.random() < 0.5 else " ".join(parts)
    template = text if rng.random() < 0.6 else text.encode("latin-1", "replace")
    if rng.random() < 0.2:
        template = bytearray(template) if isinstance(template, bytes) else template
    choices = [tuple(rng.choice(VALUES + SIZES + BYTES) for _ in range(rng.randrange(5))), {"a": 1, b"a": 2}, rng.choice(VALUES)]
    args = rng.choice(choices)
    Mischief.victim = template
    note(template, "%", [args])
    template % args


LAST = []
FILE = None


def note(receiver, name, args):
    """Remembers what is about to be called."""
    LAST[:] = receiver, name, args
    if FILE is not None:
        shown = [arg if type(arg).__repr__ is not object.__repr__ else f"{type(arg).__name__}({vars(arg) if hasattr(arg, '__dict__') else ''})" for arg in args]
        try:
            line = f"{receiver!a}.{name}({', '.join(map(ascii, shown))})"
        except Exception as problem:
            line = f"{type(receiver)}.{name}: {problem!a}"
        FILE.seek(0)
        FILE.truncate()
        FILE.write(line.encode())
        FILE.flush()


def main(argv):
    global FILE
    if "--last" in argv:
        at = argv.index("--last")
        FILE = open(argv[at + 1], "wb")
        del argv[at:at + 2]
    seed, rounds = int(argv[0]), int(argv[1])
    end = time.monotonic() + float(argv[2]) if len(argv) > 2 else None
    targets = [call_method, call_method, call_method, format_value, format_text, format_percent]
    i = 0
    while i < rounds if rounds else time.monotonic() < end:
        rng = random.Random(seed * 1_000_003 + i)
        Mischief.victim = None
        began = time.monotonic()
        try:
            targets[i % len(targets)](rng)
        except ALLOWED:
            pass
        except BaseException:
            print(LAST)
            raise
        if time.monotonic() - began > 20:
            print("slow:", ascii(LAST)[:500])
        i += 1
    print("done")


main(sys.argv[1:])
