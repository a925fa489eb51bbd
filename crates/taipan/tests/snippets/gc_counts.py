"""What gc.collect() counts, frees and finalises at once; finalisers at the end of the program."""
import gc
import weakref

gc.collect()


class Node:
    pass


def cycle():
    items = []
    items.append(items)


def pair():
    items = []
    items.append((items,))


def instance():
    node = Node()
    node.me = node


def plain():
    [1, 2, 3], (1, []), {}


for make in cycle, pair, instance, plain:
    make()
    print(make.__name__, gc.collect())
node = Node()
reference = weakref.ref(node, lambda r: print("gone"))
del node
gc.collect()
print(reference())


class Finalised:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("finalised", self.name)


first = Finalised("in a cycle")
first.me = first
del first
print(gc.collect() > 0)
last = Finalised("at the end")


def generator():
    try:
        yield
    finally:
        print("generator ended")


suspended = generator()
next(suspended)
print(sorted(gc.get_referents([1, 2.5, None, (3,)]), key=repr))
