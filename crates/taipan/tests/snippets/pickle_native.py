# Pickles: native memo, objects by __reduce__, what cannot be pickled.
import collections
import copy
import datetime
import io
import pickle
import pickletools


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return self.__dict__ == other.__dict__


class Slots:
    __slots__ = "a", "b"


class Listy(list):
    pass


class Reduced:
    def __reduce__(self):
        return Point, (1, 2), {"z": 3}


class Setter:
    def __reduce__(self):
        return Point, (1, 2), {"z": 4}, None, None, set_state


def set_state(obj, state):
    obj.__dict__.update(state, set=True)


class Outer:
    class Inner:
        pass


slots = Slots()
slots.a = [1, slots]
listy = Listy([1, 2])
listy.name = "l"
shared = ["s"]
cycle = []
cycle.append(cycle)
values = [
    None, True, 0, 255, 256, 65535, 65536, -1, 2**31, -2**70, 1.5, "ä" * 300, b"x" * 300, (), (1,), (1, 2, 3, 4), [shared, shared],
    {"a": 1, "b": [2]}, {1}, frozenset([2]), Point(1, [2]), listy, datetime.date(2020, 1, 2), collections.OrderedDict(a=1),
    Outer.Inner, Point, len, Reduced, datetime.timedelta(1), bytearray(b"q"), range(3), 1j,
    list(range(2500)), {i: str(i) for i in range(1500)},
]
for protocol in range(6):
    sizes = []
    for value in values:
        data = pickle.dumps(value, protocol)
        back = pickle.loads(data)
        assert back == value and type(back) is type(value), value
        again = pickle.loads(pickle._dumps(value, protocol))
        assert again == value
        sizes.append(len(data))
    print(protocol, sum(sizes))
for protocol in range(2, 6):
    s = pickle.loads(pickle.dumps(slots, protocol))
    print(s.a[1] is s, pickle.loads(pickle.dumps(cycle, protocol))[0][0] is not None, vars(pickle.loads(pickle.dumps(Reduced(), protocol))),
          vars(pickle.loads(pickle.dumps(Setter(), protocol))), pickle.loads(pickle.dumps(listy, protocol)).name)
pickletools.dis(pickle.dumps([Point(1, shared), shared, Point], 4))
for bad in (memoryview(b"a"), lambda: 0, iter([]).__class__, (i for i in "a"), open(__file__)):
    try:
        pickle.dumps(bad)
        print("pickled", type(bad))
    except Exception as e:
        print(type(e).__name__)
file = io.BytesIO()
pickler = pickle.Pickler(file, 4)
pickler.dump(shared)
pickler.dump(shared)
file.seek(0)
unpickler = pickle.Unpickler(file)
first = unpickler.load()
print(first is unpickler.load())
for data in (b"", b"\x80\x05", b"(1", b"]q\x00e.", b"\x80\x04\x95\x00", b"(}u.", b"(1}u."):
    try:
        pickle.loads(data)
        print("loaded", data)
    except Exception as e:
        print(type(e).__name__)
