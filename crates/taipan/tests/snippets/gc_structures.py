# modes: stress
"""Structures that are built, changed and dropped while the collector runs at each allocation."""
import gc
import weakref


class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right

    def total(self):
        return self.value + sum(child.total() for child in (self.left, self.right) if child is not None)


def tree(depth):
    if depth == 0:
        return Node(1)
    return Node(depth, tree(depth - 1), tree(depth - 1))


print(tree(5).total())

words = "the quick brown fox jumps over the lazy dog and the cat".split()
counts = {}
for word in words:
    counts[word] = counts.get(word, 0) + 1
print(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3])

text = ""
for i in range(50):
    text += f"{i:>4}" if i % 2 else str(i * 10**20)
print(len(text), text[-12:])

rows = [[i * j for j in range(8)] for i in range(8)]
print([sum(column) for column in zip(*rows)])
print({frozenset(row[:2]) for row in rows} == {frozenset((0, i)) for i in range(8)})


def numbers(n):
    for i in range(n):
        got = yield i * 10**18
        if got:
            yield got


stream = numbers(10)
print(next(stream), stream.send("sent"), sum(x for x in stream))

dropped = []


def watch(n):
    return [weakref.ref(Node(i), dropped.append) for i in range(n)]


references = watch(20)
gc.collect()
# Stacks are scanned conservatively: one node may still be in a dead register.
print(sum(ref() is None for ref in references) >= 19, len(dropped) >= 19)

parts = ["%s-%05.2f" % (name, len(name) / 3) for name in words]
print(",".join(parts).upper())
print(sorted(parts, reverse=True)[:2], max(words, key=len))
print([*map(str.title, reversed(words))][:3], dict(zip(words, range(4))))
try:
    [1, 2].index(5)
except ValueError as error:
    print(error, error.__traceback__.tb_lineno > 0)
print(2**200 * 3**50 // 7**20, -(10**30) % 977, hash(2**61 - 1), int("9" * 40) + 1)
