"""Feeds malformed input to the parsers of the library: only the exceptions they document may come out.

    parsers.py SEED ROUNDS [SECONDS] [--last FILE]

Runs ROUNDS rounds (0: until SECONDS are over). Each round takes one target in turn, mutates one of its samples and runs
it; the input is in FILE while it is tried, so that it is there after a crash. Anything unexpected ends the run.
"""
import bz2
import csv
import datetime
import gzip
import io
import json
import lzma
import pickle
import random
import re
import struct
import sys
import tarfile
import time
import warnings
import zipfile
import zlib

warnings.simplefilter("ignore")


def samples_of_archives():
    text = b"some text, some more text, and the same text again" * 3
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", text)
        archive.writestr("c", b"")
    taped = io.BytesIO()
    with tarfile.open(fileobj=taped, mode="w") as archive:
        info = tarfile.TarInfo("a/b.txt")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return text, packed.getvalue(), taped.getvalue()


TEXT, ZIP, TAR = samples_of_archives()
VALUES = [None, True, -1, 2**70, 1.5, "té\N{SNOWMAN}", b"x" * 20, [1, [2, (3,)]], {"k": {1, 2}}, datetime.date(2020, 2, 29)]


def load_json(data):
    json.loads(data)


def load_json_text(data):
    json.loads(data.decode("utf-8", "surrogateescape"))


class Unpickler(pickle.Unpickler):
    """Finds harmless classes only: what is fuzzed is the machine, not the library behind it."""

    def find_class(self, module, name):
        if (module, name) in {("datetime", "date"), ("builtins", "set"), ("builtins", "complex")}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError("not here")

    def persistent_load(self, pid):
        return pid


def load_pickle(data):
    Unpickler(io.BytesIO(data)).load()


def inflate(data):
    zlib.decompress(data)


def inflate_pieces(data):
    unpacker = zlib.decompressobj(wbits=47)
    for i in range(0, len(data), 7):
        unpacker.decompress(data[i:i + 7], 100)
    unpacker.flush()


def unpack(data):
    cut = data.find(b"|")
    form, rest = data[:max(cut, 0)], data[cut + 1:]
    struct.unpack_from(form, rest)
    list(struct.iter_unpack(form, rest))


def parse_dates(data):
    text = data.decode("latin-1")
    for function in (datetime.datetime.fromisoformat, datetime.date.fromisoformat, datetime.time.fromisoformat):
        try:
            function(text)
        except ValueError:
            pass
    form, _, rest = text.partition("|")
    datetime.datetime.strptime(rest, form)


def compile_pattern(data):
    pattern = data.decode("latin-1")
    compiled = re.compile(pattern)
    compiled.search("aaab abba 123 foo_bar \n x")
    compiled.sub(r"<\g<0>>", "abab12")


def read_csv(data):
    text = data.decode("latin-1")
    for strict in (False, True):
        list(csv.reader(io.StringIO(text, newline=""), strict=strict))


def read_zip(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            archive.read(name)


def read_tar(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isfile():
                archive.extractfile(member).read(1000)


TARGETS = [
    (load_json, (ValueError, RecursionError),
     [b'{"a": [1, 2.5e-3, true, null, "\\u00e9\\ud83d\\ude00"], "b": {}}', b"[[[[1]]]]", b'"\\ud800"', b"-0.0e+10"]),
    (load_json_text, (ValueError, RecursionError), [b'{"a": [1, 2.5e-3, "\xc3\xa9"]}', b'["\\n", NaN, -Infinity]']),
    (load_pickle, Exception, [pickle.dumps(VALUES, p) for p in range(6)]),
    (inflate, (zlib.error,), [zlib.compress(TEXT), zlib.compress(b""), zlib.compress(TEXT, 0)]),
    (inflate_pieces, (zlib.error,), [zlib.compress(TEXT), gzip.compress(TEXT, mtime=0)]),
    (bz2.decompress, (OSError, ValueError, EOFError), [bz2.compress(TEXT)]),
    (lzma.decompress, (lzma.LZMAError, EOFError, MemoryError), [lzma.compress(TEXT), lzma.compress(TEXT, lzma.FORMAT_ALONE)]),
    (gzip.decompress, (OSError, EOFError, zlib.error), [gzip.compress(TEXT, mtime=0)]),
    (unpack, (struct.error, OverflowError, MemoryError, UnicodeError), [b"<iIqQ10sp?|" + bytes(60), b">2h3xnfde|" + bytes(64), b"@P5pc|" + bytes(50)]),
    (parse_dates, (ValueError, OverflowError, re.error),
     [b"2024-02-29T23:59:59.123456+05:30", b"%Y-%m-%d %H:%M:%S %z|2024-02-29 23:59:59 +0530", b"2024-W09-4", b"%a %d %b %y %I%p %j|Mon 01 Jan 24 11PM 001"]),
    (compile_pattern, (re.error, OverflowError, RecursionError),
     [rb"(?P<word>\w+)\s+(?P=word)", rb"[^a-z\d_]{2,5}?|(?:ab)*+(?<=x)$", rb"(?i:a(?!b)|\b\Z)(?(1)x|y)", rb"\x41\u00e9\07(a)\1"]),
    (read_csv, (csv.Error,), [b'a,"b ""c""",d\r\n1,2,"x\ny"\n', b"'x',;\t\n"]),
    (read_zip, (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError, ValueError), [ZIP]),
    (read_tar, (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError), [TAR, gzip.compress(TAR, mtime=0)]),
]


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data.insert(at, rng.choice(b"\x00\xff()[]{}\\*+?|%\"',.:-0123456789eE"))
        elif kind == 2:
            del data[at:at + rng.randrange(1, 9)]
        elif kind == 3:
            piece = data[at:at + rng.randrange(1, 12)]
            data[at:at] = piece * rng.choice([1, 2, 30])
        elif kind == 4:
            del data[at:]
        elif at < len(data):
            data[at] = rng.randrange(256)
    return bytes(data)


def main(argv):
    last = None
    if "--last" in argv:
        at = argv.index("--last")
        last = argv[at + 1]
        del argv[at:at + 2]
    seed, rounds = int(argv[0]), int(argv[1])
    end = time.monotonic() + float(argv[2]) if len(argv) > 2 else None
    i = 0
    while i < rounds if rounds else time.monotonic() < end:
        rng = random.Random(seed * 1_000_003 + i)
        target, allowed, samples = TARGETS[i % len(TARGETS)]
        data = mutate(rng, rng.choice(samples))
        if last:
            with open(last, "wb") as file:
                file.write(target.__name__.encode() + b"\n" + data)
        try:
            target(data)
        except allowed:
            pass
        except BaseException:
            print(target.__name__, data)
            raise
        i += 1
    print("done")


main(sys.argv[1:])
