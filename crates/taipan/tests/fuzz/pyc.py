"""Loads mutated .pyc bytes: any outcome is right but a crash, a hang, or an exception that loading does not raise.

    taipan pyc.py SEED ROUNDS [SECONDS] [--last FILE]

Part of the mutations is made below the seal of the code objects: there only the verifier stands before the interpreter.
What still loads is looked at (its attributes, its disassembly, marshalling it again), not run.
"""
import importlib.machinery
import importlib.util
import marshal
import os
import random
import sys
import time

EXPECTED = (ValueError, EOFError, TypeError, ImportError, MemoryError, RecursionError, OverflowError)
TAGS = b"0NFTS.iIlfgxystuaAzZr()[{<>:c\xe3\xa9\xda\xfa"


def corpus():
    folder = os.path.dirname(os.__file__)
    blobs = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".py") and os.path.getsize(path) < 8_000:
            with open(path, "rb") as file:
                blobs.append(marshal.dumps(compile(file.read(), path, "exec")))
    values = [None, True, 5, -(2**70), 1.5, 2j, "text", "é\u4e2d\ud800", b"bytes", (1, (2, "x")), frozenset({1, 2}), slice(1, 2)]
    blobs.append(marshal.dumps(values))
    blobs.append(marshal.dumps([{1: [2, {3}], "k": values}, values]))
    return blobs


def mutate(rng, blobs):
    data = bytearray(rng.choice(blobs))
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(8)
        span = rng.choice((1, 1, 2, 4, 8, 50))
        if kind == 0:
            data[at:at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at : at + span]
        elif kind == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(span))
        elif kind == 3:
            data[at:at + 1] = bytes([rng.choice(TAGS)])
        elif kind == 4:
            data[at : at + 4] = rng.choice((0, 1, 255, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000)).to_bytes(4, "little")
        elif kind == 5:
            other = rng.choice(blobs)
            start = rng.randrange(len(other))
            data[at : at + span] = other[start : start + span]
        elif kind == 6:
            del data[at:]
        else:
            data[at:at] = rng.choice((b"(\x01\0\0\0", b"[\x01\0\0\0", b")\x01", b"{")) * rng.choice((2, 100, 3000))
    return bytes(data)


def look(value):
    if isinstance(value, type(look.__code__)):
        for name in dir(value):
            if name.startswith("co_") and name != "co_lnotab":
                attribute = getattr(value, name)
                if callable(attribute):
                    list(attribute())
        for constant in value.co_consts:
            look(constant)
        hash(value), value == value, value.replace()
    marshal.dumps(value)
    repr(value)


def rebuilt(rng, code):
    """The code object with one field replaced by a mutation of it, made by the constructor's verifier."""
    field = rng.choice(("co_code", "co_consts", "co_names", "co_exceptiontable", "co_linetable", "co_stacksize", "co_argcount"))
    value = getattr(code, field)
    if isinstance(value, bytes):
        data = bytearray(value)
        for _ in range(rng.randrange(1, 4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        value = bytes(data)
    elif isinstance(value, tuple):
        items = list(value)
        if items:
            items[rng.randrange(len(items))] = rng.choice((None, 1, "x", ("a",), b"y"))
        value = tuple(items[: rng.randrange(len(items) + 1)])
    else:
        value = rng.choice((0, 1, 2, 255, 65536, 2**31 - 1))
    return code.replace(**{field: value})


def main():
    args = sys.argv[1:]
    last = args[args.index("--last") + 1] if "--last" in args else None
    seed, rounds = int(args[0]), int(args[1])
    end = time.monotonic() + float(args[2]) if len(args) > 2 and args[2][0] != "-" else None
    rng = random.Random(seed)
    blobs = corpus()
    codes = [code for code in map(marshal.loads, blobs) if not isinstance(code, list)]
    loaded = done = 0
    loader = importlib.machinery.SourcelessFileLoader("m", "<fuzz>")
    header = importlib.util.MAGIC_NUMBER + bytes(12)
    while done < rounds if end is None else time.monotonic() < end:
        done += 1
        data = mutate(rng, blobs)
        if last:
            with open(last, "wb") as file:
                file.write(data)
        try:
            match rng.randrange(4):
                case 0:
                    look(rebuilt(rng, rng.choice(codes)))
                case 1:
                    loader.get_data = lambda path: header + data
                    loader.get_code("m")
                case _:
                    look(marshal.loads(data))
            loaded += 1
        except EXPECTED:
            pass
    print("done" if end is None else f"done: {done} files, {loaded} loaded")


main()
