"""Lists and dicts whose items have a type: what is put in is converted to it."""

from numba.core import types
from numba.core.errors import TypingError
from numba.core.typing import kind_of

__all__ = ["Dict", "List"]


def _converted(value, type_):
    """A value as an item of a type."""
    if value.__class__ is type_.python_class:
        return value
    given = kind_of(value)
    if type_.accepts(given) is None:
        raise TypingError(f"cannot cast {given} to {type_}")
    return type_.convert(value)


class _Nothing:
    """The class of no value."""


class List(list):
    """A list of items of one type, told from the first one unless it is given."""

    def __new__(cls, iterable=(), *, lsttype=None, meminfo=None, allocated=0):
        self = super().__new__(cls)
        self._type, self._class = None, _Nothing
        if lsttype:
            self._set_type(lsttype.item_type)
        return self

    def _set_type(self, type_):
        self._type = type_
        self._class = type_.python_class or _Nothing

    def __init__(self, iterable=(), *, lsttype=None, meminfo=None, allocated=0):
        self.extend(iterable)

    @classmethod
    def empty_list(cls, item_type, allocated=0):
        """An empty list of items of a type."""
        return cls(lsttype=types.ListType(item_type))

    def _item(self, value):
        if self._type is None:
            self._set_type(kind_of(value))
        return _converted(value, self._type)

    @property
    def _numba_type_(self):
        return types.ListType(self._type or types.undefined)

    @property
    def _dtype(self):
        if self._type is None:
            raise RuntimeError("an empty list without a type")
        return self._type

    def append(self, value):
        list.append(self, value if type(value) is self._class else self._item(value))

    def insert(self, i, value):
        super().insert(i, self._item(value))

    def extend(self, iterable):
        for value in iterable:
            super().append(self._item(value))

    def __setitem__(self, i, value):
        if type(value) is self._class and type(i) is int:
            return list.__setitem__(self, i, value)
        super().__setitem__(i, [self._item(v) for v in value] if i.__class__ is slice else self._item(value))

    def __getitem__(self, i):
        found = list.__getitem__(self, i)
        return self._like(found) if type(i) is slice else found

    def _like(self, items):
        made = List(lsttype=self._numba_type_ if self._type else None)
        list.extend(made, items)
        return made

    def copy(self):
        return self._like(self)

    def __add__(self, other):
        made = self.copy()
        made.extend(other)
        return made

    def __iadd__(self, other):
        self.extend(other)
        return self

    def __mul__(self, n):
        return self._like(list.__mul__(self, n))

    __rmul__ = __mul__

    def getitem_unchecked(self, i):
        """The item."""
        return list.__getitem__(self, i)

    def __str__(self):
        return list.__repr__(self)

    def __repr__(self):
        return f"{self._numba_type_}({list.__repr__(self)})" if self._type else f"ListType[Undefined]({list.__repr__(self)})"

    def __reduce__(self):
        return _list_of, (self._type, list(self))


def _list_of(type_, items):
    made = List(lsttype=types.ListType(type_) if type_ else None)
    list.extend(made, items)
    return made


class Dict(dict):
    """A dict with keys of one type and values of one type, told from the first ones unless they are given."""

    def __new__(cls, *args, dcttype=None, meminfo=None, n_keys=0, **items):
        self = super().__new__(cls)
        self._key = self._value = None
        # Classes whose instances need no conversion; no key is of this one.
        self._key_class = self._value_class = _Nothing
        if dcttype:
            self._set_types(dcttype.key_type, dcttype.value_type)
        return self

    def _set_types(self, key, value):
        self._key, self._value = key, value
        # Of tuples the items are not looked at.
        self._key_class = tuple if isinstance(key, (types.UniTuple, types.Tuple)) else key.python_class or _Nothing
        self._value_class = value.python_class or _Nothing

    def __init__(self, *args, dcttype=None, meminfo=None, n_keys=0, **items):
        self.update(*args, **items)

    @classmethod
    def empty(cls, key_type, value_type, n_keys=0):
        """An empty dict of these types."""
        return cls(dcttype=types.DictType(key_type, value_type))

    @property
    def _numba_type_(self):
        return types.DictType(self._key or types.undefined, self._value or types.undefined)

    def __setitem__(self, key, value):
        if type(key) is not self._key_class or type(value) is not self._value_class:
            if self._key is None:
                self._set_types(kind_of(key), kind_of(value))
            key, value = _converted(key, self._key), _converted(value, self._value)
        dict.__setitem__(self, key, value)

    def update(self, *args, **items):
        for key, value in dict(*args, **items).items():
            self[key] = value

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self):
        made = Dict(dcttype=self._numba_type_ if self._key else None)
        dict.update(made, self)
        return made

    def __ior__(self, other):
        self.update(other)
        return self

    def __str__(self):
        return dict.__repr__(self)

    def __repr__(self):
        return f"{self._numba_type_}({dict.__repr__(self)})" if self._key else f"DictType[Undefined,Undefined]({dict.__repr__(self)})"

    def __reduce__(self):
        return _dict_of, (self._key, self._value, dict(self))


def _dict_of(key, value, items):
    made = Dict(dcttype=types.DictType(key, value) if key else None)
    dict.update(made, items)
    return made
