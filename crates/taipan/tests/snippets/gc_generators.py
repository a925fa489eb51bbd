# modes: stress
"""Generators that delegate to each other, abandoned and exhausted, with a collection at every allocation."""


class Node:
    def __init__(self):
        self.children = {}
        self.is_end = False


class Trie:
    def __init__(self):
        self.root = Node()

    def insert(self, word):
        node = self.root
        for letter in word:
            node = node.children.setdefault(letter, Node())
        node.is_end = True

    def words(self, node=None, prefix=""):
        node = node or self.root
        if node.is_end:
            yield prefix
        for letter in sorted(node.children):
            yield from self.words(node.children[letter], prefix + letter)


trie = Trie()
for word in "to tea ted ten in inn i team".split():
    trie.insert(word)
print(list(trie.words()))
print(next(trie.words()))
for n, word in enumerate(trie.words()):
    if n == 3:
        break
print(word)


def handled():
    """Resumed while different exceptions are handled outside."""
    try:
        raise KeyError("inside")
    except KeyError:
        for i in range(4):
            yield [i] * 3, str([i])


def outer():
    generator = handled()
    for i in range(3):
        try:
            raise ValueError(f"outside {i}")
        except ValueError as error:
            items = next(generator)
            [[] for _ in range(5)]
            print(items, error, error.__context__)
    generator.close()


outer()
frames = []


def framed(n):
    local = [n]
    yield local
    frames.append(__import__("sys")._getframe())


for i in range(3):
    list(framed(i))
print([frame.f_locals["local"] for frame in frames])
