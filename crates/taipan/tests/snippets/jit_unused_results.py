# Operations whose result is not used still raise and run special methods.


def f(x):
    try:
        x + 1
    except TypeError:
        return 'no number'
    return 'number'


def g(x):
    -x
    x < 3
    return 5


class Loud:

    def __add__(self, other):
        print('add')
        return self

    def __lt__(self, other):
        print('lt')

    def __neg__(self):
        print('neg')


for v in [1] * 1000 + ['a', None, 2.5, Loud()]:
    r = f(v)
print(r)
print([f(v) for v in (1, 'a', None, 2.5, Loud())])
for v in [1] * 1000 + [2.5, Loud(), 'a']:
    try:
        r = g(v)
    except TypeError as e:
        print(e)
