"""Compiles mutated source text: any outcome is right but a crash, a hang, or an exception that compile() does not raise.

    taipan source.py SEED ROUNDS [SECONDS] [--last FILE]

--last keeps the text being compiled in a file, so that a crash can be reproduced.
"""
import os
import random
import sys
import time
import warnings

warnings.simplefilter("ignore")
EXPECTED = (SyntaxError, ValueError, RecursionError, OverflowError, MemoryError, UnicodeError)
PIECES = """
if else elif while for in not and or is lambda def class return yield await async from import as with try except finally
raise assert del global nonlocal pass break continue match case type True False None self x y _ __class__ print
( ) [ ] { } : ; , . -> := = == != < > <= >= + - * / // % ** @ & | ^ ~ << >> += -= **= ... ' " ''' \"\"\" f' f\" f''' t' rb'
b' u' \\ \\\n # \n \t \n\t \n\x20\x20\x20\x20 0 1 0x 0b1 0o7 1_0 1e9 .5 1j 9999999999999999999 {x!r:>{y}} {x=} \N{DIGIT ONE} \x00 é 中 \u200b
except* *args **kw *, /, @decorator\n async def f(): await x\n [x for x in y] {**x} (yield) lambda: 0
""".split(" ")
NESTING = ["(", "[", "{", "-", "not ", "lambda: ", "x.", "x(", "x[", "if x:\n ", "f'{", "def f():\n ", "(x for x in ", "{1:", "*", "await "]


def corpus():
    folder = os.path.dirname(os.__file__)
    here = os.path.dirname(os.path.abspath(__file__))
    texts = []
    for place in (folder, os.path.join(here, "..", "snippets")):
        for name in sorted(os.listdir(place)):
            path = os.path.join(place, name)
            if name.endswith(".py") and os.path.getsize(path) < 12_000:
                with open(path, encoding="utf-8") as file:
                    texts.append(file.read())
    return texts


def mutate(rng, texts):
    text = rng.choice(texts)
    at = rng.randrange(len(text) + 1)
    text = text[at : at + rng.randrange(20, 3000)] if rng.random() < 0.7 else text
    for _ in range(rng.choice((1, 1, 2, 4, 10, 40))):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(9)
        span = rng.choice((1, 1, 2, 5, 20, 100))
        if kind == 0:
            text = text[:at] + text[at + span :]
        elif kind == 1:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + span :]
        elif kind == 3:
            text = text[:at] + text[at : at + span] * rng.choice((2, 3, 50)) + text[at + span :]
        elif kind == 4:
            other = rng.choice(texts)
            start = rng.randrange(len(other) + 1)
            text = text[:at] + other[start : start + span] + text[at:]
        elif kind == 5:
            text = text[:at] + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), 0xD800, 0xFEFF, 0x10FFFF))) + text[at:]
        elif kind == 6:
            text = text[:at] + rng.choice(NESTING) * rng.choice((2, 10, 100, 1000)) + text[at:]
        elif kind == 7:
            lines = text.split("\n")
            rng.shuffle(lines) if rng.random() < 0.1 else lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
            text = "\n".join(lines)
        else:
            text = text.replace(rng.choice(PIECES), rng.choice(PIECES), 3)
        text = text[:60_000]
    return text


def main():
    args = sys.argv[1:]
    last = args[args.index("--last") + 1] if "--last" in args else None
    seed, rounds = int(args[0]), int(args[1])
    end = time.monotonic() + float(args[2]) if len(args) > 2 and args[2][0] != "-" else None
    rng = random.Random(seed)
    texts = corpus()
    compiled = done = 0
    while done < rounds if end is None else time.monotonic() < end:
        text = mutate(rng, texts)
        source = text
        if rng.random() < 0.2:
            source = bytearray(text.encode("utf-8", "surrogatepass"))
            for _ in range(rng.randrange(3)):
                at = rng.randrange(len(source) + 1)
                source[at : at + 1] = bytes([rng.randrange(256)])
            source = bytes(source)
        if last:
            with open(last, "wb") as file:
                file.write(source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass"))
        began = time.monotonic()
        try:
            compile(source, "<fuzz>", rng.choice(("exec", "exec", "exec", "eval", "single")), optimize=rng.randrange(3))
            compiled += 1
        except EXPECTED:
            pass
        if time.monotonic() - began > 20:
            print("slow:", len(source), ascii(source)[:300])
        done += 1
    print("done" if end is None else f"done: {done} texts, {compiled} compiled")


main()
