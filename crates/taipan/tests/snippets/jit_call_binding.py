# Calls that compiled code binds itself: keyword-only parameters, *args, **kwargs, spread tuples.
import sys


def keyword_only(a, b=2, *, c=3, d):
    return a, b, c, d


def rest(a, *more, flag=False, **named):
    return a, more, flag, sorted(named.items())


def forward(*args, **kwargs):
    return rest(*args, **kwargs)


def positional(a, /, b, **named):
    return a, b, named


def count(*args):
    return len(args)


def loop(n):
    out = None
    pair = (1, 2)
    for i in range(n):
        out = (
            keyword_only(i, d=4),
            keyword_only(i, c=i, d=i),
            rest(i),
            rest(i, 1, 2, flag=True, x=i),
            forward(i),
            forward(i, i, flag=True),
            positional(i, b=1, a=2),
            count(*pair),
            count(*pair, *pair),
        )
    return out


for n in (10, 3000):
    print(loop(n))

# Defaults change while the code is hot: in place, and as a whole.
keyword_only.__kwdefaults__["c"] = 30
print(loop(2000)[0])
keyword_only.__kwdefaults__ = {"c": 31}
print(loop(2000)[0])
del keyword_only.__kwdefaults__["c"]
try:
    loop(2000)
except TypeError as e:
    print(e)
keyword_only.__kwdefaults__ = {"c": 3}
keyword_only.__defaults__ = (20,)
print(loop(2000)[0])


def spread(items, n):
    total = 0
    for i in range(n):
        total += count(*items)
    return total


print(spread((1, 2, 3), 2000), spread((1,), 2000), spread([1, 2], 2000), spread((), 2000))


def fresh(n):
    "Each call has its own dict and its own tuple."
    kept = []
    for i in range(n):
        kept.append(forward_kept(i, key=i))
    kept[0][1]["new"] = 1
    return kept[0], kept[1], kept[-1]


def forward_kept(*args, **kwargs):
    return args, kwargs


print(fresh(2000))


def wrong(n):
    errors = set()
    for i in range(n):
        for call in (lambda: keyword_only(), lambda: count(x=1), lambda: positional(1, 2, 3), lambda: rest(a=1, *(1,))):
            try:
                call()
            except TypeError as e:
                errors.add(str(e))
    return sorted(errors)


print("\n".join(wrong(300)))


def visible(*args, key=0, **rest):
    frame = sys._getframe()
    return sorted(frame.f_locals), frame.f_back.f_code.co_name


def look(n):
    for i in range(n):
        seen = visible(1, 2, key=i, other=3)
    return seen


print(look(2000))


class Base:
    def __init__(self, *args, scale=1, **options):
        self.args, self.scale, self.options = args, scale, options


class Derived(Base):
    def __init__(self, first, *args, **options):
        super().__init__(first, *args, **options)


def make(n):
    for i in range(n):
        d = Derived(i, 2, scale=3), Derived(i, name="x"), Base()
    return [(x.args, x.scale, x.options) for x in d]


print(make(2000))


def deep(n, *more, step=1):
    return 0 if n <= 0 else 1 + deep(n - step, *more, step=step)


print(deep(300, 1, 2), deep(300, step=3))
try:
    deep(10**6, 1)
except RecursionError as e:
    print(type(e).__name__)


# A special method that declines in a roundabout way: the other operand is asked.
def roundabout(x):
    return NotImplemented


class Declines:
    def __add__(self, other):
        result = roundabout(other)
        return result

    def __lt__(self, other):
        return roundabout(other)


class Answers:
    def __radd__(self, other):
        return "answered"

    def __gt__(self, other):
        return "greater"


def ask(x, y, n):
    for i in range(n):
        x + y
        r = x + y, x < y
    return r


print(ask(Declines(), Answers(), 2000))
try:
    ask(Declines(), 1, 2000)
except TypeError as e:
    print(e)
