#!/usr/bin/env python3
"""Writes startup.ld anew: make.py PROGRAM (the release build). See README.md."""
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
]
# Instances of a generic function have one name. Together they may be so large and no larger.
MOST_BYTES = 125_000


def pattern(name):
    """The name without what changes from build to build."""
    name = re.sub(r"\.llvm\.\d+$", "", name)
    if name.startswith("_ZN"):
        return re.sub(r"17h[0-9a-f]{16}E$", "17h*", name)
    return name + "*" if name.startswith("_R") else name


def main():
    program = os.path.abspath(sys.argv[1])
    table = subprocess.run(["nm", "--defined-only", "-S", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    names, sizes = {}, {}
    for line in table.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tTwW":
            address, size, name = int(fields[0], 16), int(fields[1], 16), pattern(fields[3])
            if size > 0:
                names.setdefault(address, name)
                sizes[name] = sizes.get(name, 0) + size
    found = []
    with tempfile.TemporaryDirectory() as folder:
        tracer, addresses, out = (os.path.join(folder, n) for n in ("trace", "addresses", "out"))
        subprocess.run(["cc", "-O2", "-w", "-o", tracer, os.path.join(HERE, "trace.c")], check=True)
        with open(addresses, "w") as file:
            file.writelines(f"{a:x}\n" for a in names)
        environment = {**os.environ, "TAIPAN_JIT": "off"}
        for args in RUNS:
            subprocess.run([program, *args], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([tracer, addresses, out, program, *args], check=True, env=environment)
            with open(out) as file:
                new = {names[int(line, 16)] for line in file}
            found += sorted(n for n in new if n not in found and (sizes[n] <= MOST_BYTES))
    rows = "".join(f"    *(.text.{n} .text.unlikely.{n})\n" for n in found)
    with open(os.path.join(HERE, "startup.ld"), "w") as file:
        file.write("/* Functions that every start runs. Made by make.py. */\n")
        file.write("SECTIONS {\n  .text.boot : {\n" + rows + "  }\n} INSERT BEFORE .text;\n")
    print(len(found), "names,", sum(sizes[n] for n in found) // 1024, "KB")


main()
