# OrderedDict: order that can be changed, iterators that notice, views, copies, pickles.
import collections.abc
import copy
import pickle
import random
from collections import OrderedDict

od = OrderedDict([("a", 1), ("b", 2), ("c", 3)], d=4)
print(od, OrderedDict(), repr(type("Sub", (OrderedDict,), {})(x=1)))
od.move_to_end("a")
od.move_to_end("d", last=False)
print(list(od), od.popitem(), od.popitem(last=False), list(od.items()))
for f in (lambda: od.move_to_end("zz"), lambda: OrderedDict().popitem(), lambda: od.pop("zz"), lambda: OrderedDict(1, 2)):
    try:
        f()
    except (KeyError, TypeError) as e:
        print(type(e).__name__, e)
print(od.pop("zz", 9), od.setdefault("q", 1), od.setdefault("q", 2), od)
print(od == OrderedDict(b=2, c=3, q=1), od == OrderedDict(c=3, b=2, q=1), od == dict(c=3, b=2, q=1), od != {})
print(od | {"z": 1}, {"z": 1} | od, type({} | od).__name__)
od |= [("r", 5)]
print(od.keys(), od.values(), od.items(), list(reversed(od)), list(reversed(od.items())))
print(od.keys() & {"b", "x"}, isinstance(od, collections.abc.MutableMapping), type(iter(od)).__name__)
for change in (lambda k: od.move_to_end(k), lambda k: od.update(new=1), lambda k: od.__delitem__(k)):
    try:
        for k in od:
            change(k)
    except RuntimeError as e:
        print(e)
od.attribute = [1]
for c in (copy.copy(od), copy.deepcopy(od), *(pickle.loads(pickle.dumps(od, p)) for p in range(6))):
    assert c == od and list(c) == list(od) and c.attribute == [1], c
it = iter(od.items())
next(it)
print(list(pickle.loads(pickle.dumps(it))) == list(it))
od["self"] = od
print(od)
print(OrderedDict.fromkeys("hello", 0), od.__reduce__()[0].__name__)


# Against a list of pairs.
random.seed(3)
for _ in range(20):
    real, model = OrderedDict(), []
    for _ in range(600):
        k = random.randrange(40)
        op = random.randrange(7)
        present = any(p[0] == k for p in model)
        if op < 2:
            real[k] = op
            if present:
                model = [(q, op) if q == k else (q, v) for q, v in model]
            else:
                model.append((k, op))
        elif op < 5 and present:
            pair = next(p for p in model if p[0] == k)
            model.remove(pair)
            if op == 2:
                del real[k]
            elif op == 3:
                real.move_to_end(k)
                model.append(pair)
            else:
                real.move_to_end(k, last=False)
                model.insert(0, pair)
        elif op >= 5 and model:
            assert real.popitem(last=op == 5) == model.pop(-1 if op == 5 else 0)
        assert list(real.items()) == model and len(real) == len(model)
        assert list(reversed(real)) == [q for q, _ in reversed(model)]
print("same")
