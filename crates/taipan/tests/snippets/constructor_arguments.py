# __new__ and __init__ of built-in types and their subclasses; smaller corners.
import codecs
import inspect
import operator
import tokenize
import warnings


def shows(f):
    try:
        print(f())
    except BaseException as e:
        print(type(e).__name__, e)


class L(list):
    def __new__(cls, seq, extra=None):
        self = super().__new__(cls, seq)
        self.extra = extra
        return self


class S(set):
    def __new__(cls, seq, extra=None):
        return super().__new__(cls, seq)


class F(float):
    pass


shows(lambda: (L([1], extra=2), L([1], extra=2).extra, S([1], extra=3)))
shows(lambda: F(x=1))
shows(lambda: list(x=1))
shows(lambda: int.__new__(bool, 0))
shows(lambda: type("\udcdc", (), {}))
shows(lambda: (inspect.signature(operator.itemgetter(1)), inspect.signature(operator.methodcaller("x"))))
shows(lambda: type({}.keys() & frozenset("a")))


class Mortal(BaseException):
    def __new__(*args):
        return []


def raises():
    raise IndexError from Mortal


shows(raises)
for source in ("'\\e' + (", "'\\e' $", "f'{1:\\_}'"):
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        shows(lambda: compile(source, "<s>", "exec") and "compiled")
    print([str(x.message)[:40] for x in w])


def mutating(e):
    e.object = b""
    return "\u4242", 0


codecs.register_error("mutating", mutating)
for encoding in "ascii", "utf-8", "utf-16", "unicode-escape":
    shows(lambda: ascii(b"\xff\\u1".decode(encoding, "mutating")))
