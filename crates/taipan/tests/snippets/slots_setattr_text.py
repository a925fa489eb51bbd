# The text of a missing attribute says "no __dict__" only where the class does not define __setattr__ itself.
class Plain:
    __slots__ = ("a",)


class Own:
    __slots__ = ("a",)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)


for c in Plain, Own:
    try:
        c().late = 1
    except AttributeError as e:
        print(e)
