"""Searches a zipped log of JSON lines with regular expressions.

    log_search.py generate FILE.zip [LINES]     writes a log (60,000 lines)
    log_search.py FILE.zip                      reports what it finds
"""
import io
import json
import random
import re
import sys
import zipfile
from collections import Counter

PATTERNS = {
    "slow request": re.compile(r"took (?P<ms>\d{4,}) ms"),
    "address": re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    "failed login": re.compile(r"login (?:failed|refused) for (?P<user>[a-z]+(?:\.[a-z]+)?)", re.IGNORECASE),
    "path": re.compile(r"(?:GET|POST|PUT) (?P<path>/[\w/.-]*)(?:\?(?P<query>\S*))?"),
    "hex id": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}\b"),
}


def message(rng):
    kind = rng.randrange(5)
    if kind == 0:
        path = "/".join(["", rng.choice(["api", "static", "admin"]), rng.choice(["users", "items", "log.txt"])])
        query = rng.choice(["", f"?page={rng.randrange(50)}&sort=name"])
        return f"{rng.choice(['GET', 'POST', 'PUT'])} {path}{query} took {int(rng.expovariate(1 / 300))} ms"
    if kind == 1:
        address = ".".join(str(rng.randrange(256)) for _ in range(4))
        return f"connection from {address} port {rng.randrange(1024, 65536)}"
    if kind == 2:
        word = rng.choice(["failed", "refused", "succeeded"])
        return f"Login {word} for {rng.choice(['ada', 'grace.h', 'linus', 'guido.r', 'barbara'])}"
    if kind == 3:
        return f"job {rng.getrandbits(32):08x}-{rng.getrandbits(16):04x} finished, naïve café ☕"
    return "heartbeat"


def generate(path, lines=60_000):
    rng = random.Random(23)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(3):
            text = io.StringIO()
            for i in range(lines // 3):
                record = {"seq": i, "level": rng.choice(["INFO", "WARN", "ERROR"]), "message": message(rng),
                          "tags": rng.sample(["a", "b", "c", "d"], rng.randrange(3))}
                text.write(json.dumps(record) + "\n")
            info = zipfile.ZipInfo(f"log-{part}.jsonl", (2026, 1, 2, 3, 4, 6))
            archive.writestr(info, text.getvalue(), zipfile.ZIP_DEFLATED)


def search(path):
    counts, users, paths, levels = Counter(), Counter(), Counter(), Counter()
    slowest = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as raw:
                for line in io.TextIOWrapper(raw, "utf-8"):
                    record = json.loads(line)
                    text = record["message"]
                    for label, pattern in PATTERNS.items():
                        found = pattern.search(text)
                        if found is None:
                            continue
                        counts[label] += 1
                        levels[label, record["level"]] += 1
                        if label == "failed login":
                            users[found["user"].lower()] += 1
                        elif label == "path":
                            paths[found["path"]] += 1
                        elif label == "slow request":
                            slowest.append((int(found["ms"]), name, record["seq"]))
    for label, count in sorted(counts.items()):
        print(f"{label:15} {count:6}", {level: n for (what, level), n in sorted(levels.items()) if what == label})
    print(users.most_common())
    print(paths.most_common(5))
    for ms, name, seq in sorted(slowest, reverse=True)[:5]:
        print(f"{ms:6} ms  {name}:{seq}")


def main(argv):
    if argv[:1] == ["generate"]:
        generate(argv[1], *map(int, argv[2:3]))
    else:
        search(argv[0])


main(sys.argv[1:])
