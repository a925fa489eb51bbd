"""Indexes the text files of a tar archive: which words are in which files.

    tar_index.py generate FILE.tar.gz [FILES]     writes an archive (400 files)
    tar_index.py FILE.tar.gz [WORD ...]           prints figures, and where the words are
"""
import hashlib
import io
import random
import re
import sys
import tarfile
from collections import defaultdict

WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
SYLLABLES = ["ka", "lo", "mi", "ner", "sto", "vé", "ßi", "tra", "ul", "qua", "ri", "pen", "żo"]


def generate(path, files=400):
    rng = random.Random(5)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(3000)]
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        for i in range(files):
            lines = [" ".join(rng.choices(words, k=rng.randint(3, 14))) + "." for _ in range(rng.randint(5, 120))]
            data = "\n".join(lines).encode("utf-8")
            info = tarfile.TarInfo(f"texts/{i % 7}/document-{i:04}.txt")
            info.size, info.mtime = len(data), 1_700_000_000 + i
            archive.addfile(info, io.BytesIO(data))


def index(path):
    where = defaultdict(dict)
    total, digest = 0, hashlib.sha256()
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.isfile():
                continue
            data = archive.extractfile(member).read()
            digest.update(data)
            for number, line in enumerate(data.decode("utf-8").splitlines(), 1):
                for word in WORD.findall(line):
                    where[word.casefold()].setdefault(member.name, number)
                    total += 1
    return where, total, digest.hexdigest()


def main(argv):
    if argv[:1] == ["generate"]:
        return generate(argv[1], *map(int, argv[2:3]))
    where, total, digest = index(argv[0])
    print(total, "words,", len(where), "different;", digest[:16])
    for word, places in sorted(where.items(), key=lambda item: (-len(item[1]), item[0]))[:10]:
        name, line = min(places.items())
        print(f"{word:20} in {len(places):4} files, first {name}:{line}")
    for word in argv[1:]:
        print(word, sorted(where.get(word.casefold(), {}).items())[:5])


main(sys.argv[1:])
