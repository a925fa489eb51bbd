# object.__init__ reached through super() does nothing, unless it gets arguments.
class Base:
    def __init__(self):
        super().__init__()
        self.base = 1


class Child(Base):
    def __init__(self, v):
        super(Child, self).__init__()
        self.v = v


class Wrong:
    def __init__(self, v):
        super().__init__(v)


class Mixin:
    def __init__(self, *args):
        super().__init__(*args)
        self.mixed = len(args)


class Mixed(Mixin, Base):
    pass


def run(n):
    total = errors = 0
    for i in range(n):
        c = Child(i)
        total += c.base + c.v
        total += Mixed().mixed + Mixed().base
        object.__init__(c)
        try:
            Wrong(i)
        except TypeError as e:
            errors += "object.__init__() takes exactly one argument" in str(e)
    return total, errors


print(run(3000))


def patched(n):
    out = []
    for i in range(n):
        if i == n - 3:
            Base.__init__ = lambda self: setattr(self, "base", 100)
        out.append(Child(i).base)
    return out[-5:]


print(patched(2000))
