#!/usr/bin/env python3
"""Writes startup.ld anew: make.py PROGRAM (the release build). See README.md."""
import collections
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What is run, in the order in which its functions are laid out.
RUNS = [
    ["-S", "-c", "pass"],
    ["-c", "pass"],
    ["-c", "import enum, re, functools; print(f'{1.5:.2f}', [x for x in range(3)], sorted('ab'))"],
    ["-c", "import unittest"],
]


# What has no section by its name: the C runtime's entry, assembly, and the linker's stubs.
UNNAMED = ["*crt1.o(.text)", "*crti.o(.text)", "*crtbegin*.o(.text)", "*psm*(.text)", "*(.plt)", "*(.init)", "*(.fini)"]

# What runs in some starts and not in others, because collections find other objects alive.
SOMETIMES = re.compile(r"_ZN\d+taipan_.*\dtrace(_\w+)?17h")


def instance(name):
    """The name without what the optimiser appends: one instance of a generic function."""
    return re.sub(r"\.llvm\.\d+$", "", name)


def pattern(name):
    """The name without the compiler's hash, which changes with what the function is made of: all instances."""
    name = instance(name)
    if name.startswith("_ZN"):
        return re.sub(r"17h[0-9a-f]{16}E$", "17h*", name)
    return name + "*" if name.startswith("_R") else name


def main():
    program = os.path.abspath(sys.argv[1])
    table = subprocess.run(["nm", "--defined-only", "-S", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    names, sizes = {}, collections.Counter()
    for line in table.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tTwW":
            address, size, name = int(fields[0], 16), int(fields[1], 16), instance(fields[3])
            if size > 0:
                names.setdefault(address, []).append(name)
                sizes[name] += size
    sizes_of_patterns = collections.Counter()
    for name, size in sizes.items():
        sizes_of_patterns[pattern(name)] += size
    found = []
    with tempfile.TemporaryDirectory() as folder:
        tracer, addresses, out = (os.path.join(folder, n) for n in ("trace", "addresses", "out"))
        subprocess.run(["cc", "-O2", "-w", "-o", tracer, os.path.join(HERE, "trace.c")], check=True)
        with open(addresses, "w") as file:
            file.writelines(f"{a:x}\n" for a in names)
        for args in RUNS:
            subprocess.run([program, *args], check=True, stdout=subprocess.DEVNULL)
            # Stopped at each function a program seems hot where it is not: nothing is compiled.
            environment = {**os.environ, "TAIPAN_JIT_DEBUG": "watch"}
            subprocess.run([tracer, addresses, out, program, *args], check=True, env=environment)
            with open(out) as file:
                new = {name for line in file for name in names[int(line, 16)]}
            found += sorted(new.difference(found))
    found += sorted({name for some in names.values() for name in some if SOMETIMES.match(name)}.difference(found))
    run = collections.Counter()
    for name in found:
        run[pattern(name)] += sizes[name]
    # All instances of a function go in unless most of them do not run.
    kept = {}
    for name in found:
        general = pattern(name)
        is_alone = run[general] * 2 >= sizes_of_patterns[general]
        kept[general if is_alone else name + "*"] = None
    rows = "".join(f"    {row}\n" for row in UNNAMED)
    rows += "".join(f"    *(.text.{n} .text.unlikely.{n})\n" for n in kept)
    with open(os.path.join(HERE, "startup.ld"), "w") as file:
        file.write("/* Functions that every start runs. Made by make.py. */\n")
        file.write("SECTIONS {\n  .text.boot : {\n" + rows + "  }\n} INSERT BEFORE .text;\n")
    print(len(kept), "rows,", sum(run.values()) // 1024, "KB")


main()
