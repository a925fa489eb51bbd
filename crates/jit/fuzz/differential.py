"""Runs random programs on CPython and on Taipan in several JIT modes and compares.

    python3.14 crates/jit/fuzz/differential.py --seeds 1-1000 --minutes 10 --taipan target/release/taipan --python python3.14

Compared are the standard output, the last line of the standard error and the exit status. A seed always gives the same
program. What differs is written to `--failures` as `SEED.py` (as generated) and, made smaller, `SEED.small.py`, with a
comment that says what differs in which mode. `--check FILE...` compares given programs instead; `--show SEED` prints one.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

import shrink
import statements

SECONDS = 10
LOW = {"TAIPAN_JIT_CALLS": "3", "TAIPAN_JIT_LOOPS": "5"}
MODES = {
    "off": {"TAIPAN_JIT": "off"},
    "low": {"TAIPAN_JIT": "on", "TAIPAN_JIT_DEBUG": "verify", **LOW},
    "stress": {"TAIPAN_JIT": "stress"},
}


def limit():
    """Bounds of a child's memory, output and cores."""
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (90, 90))


def run(python, path, extra, seconds=SECONDS):
    """What a program prints, the last line of its errors, its status ("time" if it is too slow)."""
    env = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "PYTHONHASHSEED": "0", "LANG": "C.UTF-8", **extra}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([python, "-S", path], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, preexec_fn=limit)
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired:
            status = "time"
        finally:
            child.kill()
            child.wait()
        out.seek(0)
        err.seek(0)
        lines = err.read().decode("utf-8", "replace").rstrip().splitlines()
        panic = [line for line in lines if "panicked at" in line or line.startswith("after ")]
        return out.read().decode("utf-8", "replace"), " ".join(panic) or (lines[-1] if lines else ""), status


def difference(expected, got):
    """The first difference as text, or None."""
    if expected == got:
        return None
    if got[2] != expected[2]:
        return f"status {got[2]} for {expected[2]}; stderr: {got[1][:160]}"
    want, have = expected[0].splitlines(), got[0].splitlines()
    for i, (a, b) in enumerate(zip(want, have)):
        if a != b:
            return f"line {i + 1}: {b[:90]} for {a[:90]}"
    if len(want) != len(have):
        return f"{len(have)} lines for {len(want)}"
    return f"stderr {got[1][:100]} for {expected[1][:100]}"


class Fuzzer:
    """The interpreters and the folder of failures."""

    def __init__(self, options):
        self.o = options
        self.work = tempfile.mkdtemp(prefix="jit-fuzz-")
        self.path = os.path.join(self.work, "p.py")

    def write(self, source):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(source)

    def compare(self, source, modes, seconds=SECONDS):
        """(expected, {mode: difference}) of a program; a mode that differs in the interpreter alone counts as `off`."""
        self.write(source)
        expected = run(self.o.python, self.path, {}, seconds)
        if expected[2] == "time" or "MemoryError" in expected[0]:
            return None, {}
        found = {}
        base = expected
        for mode in modes:
            got = run(self.o.taipan, self.path, MODES[mode], seconds)
            if got[2] == "time":
                # Compiling takes its time on a loaded machine: a hang is what takes far longer.
                got = run(self.o.taipan, self.path, MODES[mode], 6 * seconds)
            wrong = difference(base, got)
            if wrong:
                found[mode] = wrong
                if mode == "off":
                    # The JIT must do what the interpreter does, right or wrong.
                    base = got
                    if got[2] == "time":
                        break
        return expected, found

    def same_failure(self, mode, was):
        """A property for the shrinker: the program still differs in `mode`, in the same manner."""
        crash = was.startswith("status")
        kind = was.split(";")[0] if crash else ""

        def holds(source):
            self.write(source)
            if mode == "off":
                base = run(self.o.python, self.path, {}, SECONDS)
            else:
                base = run(self.o.taipan, self.path, MODES["off"], SECONDS)
            if base[2] == "time" or (not crash and base[2] != 0):
                return False
            wrong = difference(base, run(self.o.taipan, self.path, MODES[mode], 5))
            return wrong is not None and (wrong.startswith(kind) if crash else not wrong.startswith("status"))

        return holds

    def report(self, name, source, found):
        os.makedirs(self.o.failures, exist_ok=True)
        for mode, wrong in found.items():
            stem = os.path.join(self.o.failures, f"{name}.{mode}")
            with open(stem + ".py", "w", encoding="utf-8") as f:
                f.write(f"# {mode}: {wrong}\n{source}")
            print(f"{name} {mode}: {wrong}", flush=True)
            if self.o.shrink and not wrong.startswith("status time"):
                small = shrink.shrink(source, self.same_failure(mode, wrong), self.o.shrink)
                _, now = self.compare(small, ["off", mode] if mode != "off" else ["off"])
                with open(stem + ".small.py", "w", encoding="utf-8") as f:
                    f.write(f"# {mode}: {now.get(mode, wrong)}\n{small}")
                print(f"  {len(source.splitlines())} -> {len(small.splitlines())} lines: {now.get(mode)}", flush=True)
            if mode == "low":
                break

    def seeds(self, first, last):
        end = time.monotonic() + self.o.minutes * 60
        done = failed = slow = 0
        for seed in range(first, last + 1):
            if time.monotonic() > end:
                break
            source = statements.program(seed)
            if any(text in source for text in self.o.skip):
                continue
            expected, found = self.compare(source, list(MODES))
            done += 1
            slow += expected is None
            if done % 20 == 0:
                print(f"... {done} programs, seed {seed}", flush=True)
            failed += bool(found)
            if found:
                self.report(f"{seed:06}", source, found)
        print(f"{done} programs, {failed} differ, {slow} too slow", flush=True)
        return 1 if failed else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seeds", default="1-1000000")
    p.add_argument("--minutes", type=float, default=5)
    p.add_argument("--taipan", default="target/release/taipan")
    p.add_argument("--python", default=os.path.expanduser("~/.cache/taipan-peers/bin/python3.14"))
    p.add_argument("--failures", default="fuzz-failures")
    p.add_argument("--shrink", type=float, default=90, help="seconds for each failure, 0 for none")
    p.add_argument("--skip", nargs="*", default=[], help="leave out programs with these texts (known failures)")
    p.add_argument("--show", type=int, help="print the program of a seed")
    p.add_argument("--check", nargs="*", help="compare these programs")
    options = p.parse_args()
    if options.show is not None:
        print(statements.program(options.show))
        return 0
    fuzzer = Fuzzer(options)
    if options.check is not None:
        bad = 0
        for path in options.check:
            with open(path, encoding="utf-8") as f:
                _, found = fuzzer.compare(f.read(), list(MODES))
            bad += bool(found)
            print(path, found or "ok", flush=True)
        return 1 if bad else 0
    first, _, last = options.seeds.partition("-")
    return fuzzer.seeds(int(first), int(last or first))


if __name__ == "__main__":
    sys.exit(main())
