# What a generator handles when it is suspended is its own, even if its caller handles the same exception.
import sys


def thrown():
    try:
        yield 1
    except Exception:
        yield repr(sys.exception())
        yield repr(sys.exception())
        raise


g = thrown()
next(g)
try:
    raise ValueError("x")
except ValueError as e:
    print(g.throw(e))
print(next(g), sys.exception())
try:
    next(g)
except ValueError as e:
    print("again", e, e.__context__)


def raising():
    try:
        raise KeyError(1)
    except KeyError:
        yield repr(sys.exception())
        yield repr(sys.exception())
    yield repr(sys.exception())


for outer in (None, ValueError("y")):
    g = raising()
    print(next(g))
    try:
        if outer:
            raise outer
        print(next(g), next(g))
    except ValueError:
        print(next(g), repr(sys.exception()), next(g))


async def awaited():
    try:
        raise KeyError(2)
    except KeyError:
        try:
            await anext(Bad(), "default")
        except TypeError as e:
            print(e, repr(e.__context__))


class Bad:
    def __aiter__(self):
        return self

    def __anext__(self):
        return iter("abc")


try:
    awaited().send(None)
except StopIteration:
    print("done")
