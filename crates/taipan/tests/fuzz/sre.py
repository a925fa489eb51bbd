"""Gives mutated code arrays to `_sre.compile` and matches with what it accepts.

    sre.py SEED ROUNDS [SECONDS] [--last FILE]

Runs ROUNDS rounds (0: until SECONDS are over). A refusal is right and any match is; a crash, a hang and an unexpected
exception are not. What takes exponential time is interrupted by a signal, which the engine has to notice.
"""
import _sre
import random
import re
import signal
import sys
import time
import warnings
from re import _compiler, _constants, _parser

warnings.simplefilter("ignore")
PATTERNS = [
    r"abc", r"a|bc|bd", r"(a)(b)?\1", r"(?P<w>\w+)\s(?P=w)", r"[a-z\d_]{2,5}?x", r"[^\W\d]*+b", r"(?>a+)b", r"(?:ab|a)*c", r"(?:(a)|b){2,4}?",
    r"(?<=a)b(?!c)", r"(?<!\d)x", r"^\b.\B$", r"(?m:^a$)", r"(?s:.)(?i:StRaße|[à-ý])", r"(a)?(?(1)b|c)", r"\A(?:(?:x)*?)*\Z", r"(?:a?b??)*",
    r"[\u0100-\u0200\U00010000-\U0001ffff中]+", r"(((((a)))))", r"(?:a{3,7}b{,4}){5}", r"\d+\.\d*", r"(?=(a))(?=(.b))", "[" + "".join(map(chr, range(0x100, 0x800, 7))) + "]",
    r"(?ai:k[\w]s)", r"(?:\s|x)+?$",
]
TEXTS = ["", "a", "abc abd aab bcbc", "aaaaaaaaaaaaaaaaaab", "foo foo_1 Foo\nx\n", "STRASSE straße ÀÝ", "\u0101\u017f\U00010001中", "1.5 22.7x"]
FLAGS = [0, re.I, re.M, re.S, re.A, re.L, re.U, re.I | re.U, re.I | re.L, 1 << 20, -1]


def samples():
    made = []
    for pattern in PATTERNS:
        for flags in (0, re.I):
            parsed = _parser.parse(pattern, flags)
            made.append((_compiler._code(parsed, flags), parsed.state.groups, parsed.state.groupdict))
    return made


SAMPLES = samples()
OPCODES = len(_constants.OPCODES)
WORDS = [0, 1, 2, 3, 5, 97, 255, 256, 65535, 0x10FFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]


def mutate(rng):
    code, groups, names = rng.choice(SAMPLES)
    code = list(code)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 6])):
        at = rng.randrange(len(code) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(code):
            code[at] = rng.randrange(OPCODES + 1)
        elif kind == 1 and at < len(code):
            code[at] = rng.choice(WORDS)
        elif kind == 2 and at < len(code):
            code[at] = max(0, min(2**32 - 1, code[at] + rng.choice([-2, -1, 1, 2])))
        elif kind == 3:
            code.insert(at, rng.randrange(OPCODES))
        elif kind == 4:
            del code[at:at + rng.randrange(1, 3)]
        elif kind == 5:
            other = rng.choice(SAMPLES)[0]
            start = rng.randrange(len(other))
            code[at:at] = other[start:start + rng.randrange(1, 9)]
        elif code:
            at = rng.randrange(len(code))
            code[at] = rng.randrange(len(code))
    if rng.random() < 0.3:
        groups = max(0, groups - 1 + rng.choice([-1, 0, 1, 3, 100]))
    else:
        groups -= 1
    return code, groups, names


def interrupted(signum, frame):
    raise TimeoutError


def use(rng, pattern, text):
    match rng.randrange(7):
        case 0:
            found = pattern.match(text)
        case 1:
            found = pattern.fullmatch(text, 1, 5)
        case 2:
            found = None
            for _ in zip(range(30), pattern.finditer(text)):
                pass
        case 3:
            found = None
            pattern.sub(text[:0] + text[:2], text)
            pattern.sub(lambda found: found[0], text)
        case 4:
            found = None
            pattern.split(text)
            pattern.findall(text)
        case _:
            found = pattern.search(text)
    if found:
        found.groups(), found.groupdict(), found.regs, found.lastindex, found.lastgroup, found.span(), repr(found)
        for group in range(pattern.groups + 1):
            found.span(group), found[group]
    hash(pattern), pattern == pattern, repr(pattern)


def main(argv):
    last = None
    if "--last" in argv:
        at = argv.index("--last")
        last = argv[at + 1]
        del argv[at:at + 2]
    seed, rounds = int(argv[0]), int(argv[1])
    end = time.monotonic() + float(argv[2]) if len(argv) > 2 else None
    signal.signal(signal.SIGALRM, interrupted)
    i = 0
    while i < rounds if rounds else time.monotonic() < end:
        rng = random.Random(seed * 1_000_003 + i)
        code, groups, names = mutate(rng)
        flags = rng.choice(FLAGS)
        text = rng.choice(TEXTS)
        binary = rng.random() < 0.3
        shown = f"_sre.compile({'b' if binary else ''}'x', {flags}, {code}, {groups}, {dict(names)}, ()) on {text!a}"
        if last:
            with open(last, "w") as file:
                file.write(shown)
        signal.setitimer(signal.ITIMER_REAL, 2)
        try:
            index = [None] * (groups + 1)
            for name, group in names.items():
                if group <= groups:
                    index[group] = name
            pattern = _sre.compile(b"x" if binary else "x", flags, code, groups, dict(names), tuple(index))
            use(rng, pattern, text.encode("utf-8") if binary else text)
        except (RuntimeError, OverflowError, TimeoutError, MemoryError, RecursionError, IndexError):
            pass
        except BaseException:
            print(shown)
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        i += 1
    print("done")


main(sys.argv[1:])
