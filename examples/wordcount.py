"""Counts words: python wordcount.py FILE [N] prints the N (10) commonest words of a text file."""
import sys


def words(lines):
    for line in lines:
        word = []
        for c in line.lower():
            if c.isalpha() or c == "'":
                word.append(c)
            elif word:
                yield "".join(word)
                word.clear()
        if word:
            yield "".join(word)


def count(path):
    counts = {}
    with open(path, encoding="utf-8") as lines:
        for word in words(lines):
            counts[word] = counts.get(word, 0) + 1
    return counts


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        counts = count(argv[1])
    except OSError as error:
        print(f"{argv[0]}: {error}", file=sys.stderr)
        return 1
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for word, n in best[: int(argv[2]) if len(argv) > 2 else 10]:
        print(f"{n:6} {word}")
    print(f"{sum(counts.values())} words, {len(counts)} different")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
