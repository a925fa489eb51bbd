"""Numba's names of types: for signatures, for casts (`int32(x)`), and as keys of a dispatcher's overloads."""

import struct as _struct

_bool = bool




class Type:
    """A type. Types with the same key are equal."""

    mutable = False
    reflected = False

    def __init__(self, name):
        self.name = name

    @property
    def key(self):
        """What tells types of one class apart."""
        return self.name

    def __eq__(self, other):
        return self.__class__ is other.__class__ and self.key == other.key

    def __hash__(self):
        return hash((self.__class__.__name__, self.key))

    def __repr__(self):
        return self.name

    def __str__(self):
        return self.name

    def __call__(self, *args):
        if len(args) == 1 and not isinstance(args[0], Type) and args[0] is not None:
            return self.cast_python_value(args[0])
        from numba.core.typing import Signature
        return Signature(self, args)

    def __getitem__(self, index):
        """`float64[:]`, `float64[:, ::1]`: an array of this type."""
        dimensions = index if isinstance(index, tuple) else (index,)
        layout = "A"
        for i, part in enumerate(dimensions):
            if not isinstance(part, slice) or part.start is not None or part.stop is not None:
                raise KeyError(f"an array type is written as {self}[:] or {self}[:, ::1], not with {part!r}")
            if part.step == 1:
                layout = "F" if i == 0 and len(dimensions) > 1 else "C"
        return Array(self, len(dimensions), layout)

    def cast_python_value(self, value):
        """The value as one of this type."""
        raise NotImplementedError(f"values cannot be cast to {self}")

    def accepts(self, given):
        """How well an argument of type `given` fits: 0 exactly, 1 without loss, 2 with loss; None not at all."""
        return 0 if self == given else None

    def convert(self, value):
        """An argument as one of this type."""
        return value

    @property
    def is_internal(self):
        return False

    def is_precise(self):
        """True unless nothing is known."""
        return True

    @property
    def python_class(self):
        """The Python class whose instances need no conversion; None if a class does not say."""
        return None


class Dummy(Type):
    """A type without values to compute with."""


class Number(Type):
    """A number."""


class Integer(Number):
    """An integer. Arithmetic keeps Python's integers; only a cast cuts to the width."""

    def __init__(self, name, bitwidth, signed):
        super().__init__(name)
        self.bitwidth = bitwidth
        self.signed = signed
        self._mask = (1 << bitwidth) - 1
        self._half = 1 << bitwidth - 1 if signed else 0

    @property
    def minval(self):
        return -self._half

    @property
    def maxval(self):
        return self._mask - self._half

    def cast_python_value(self, value):
        return ((int(value) + self._half) & self._mask) - self._half

    def accepts(self, given):
        if isinstance(given, Integer):
            return 0 if given == self else 1 if given.bitwidth < self.bitwidth else 2 - (given.bitwidth == self.bitwidth)
        return 1 if isinstance(given, Boolean) else 3 if isinstance(given, Float) else None

    def convert(self, value):
        return value if value.__class__ is int else int(value)

    @property
    def python_class(self):
        return int


class Float(Number):
    """A floating-point number; arithmetic is that of doubles."""

    def __init__(self, name, bitwidth):
        super().__init__(name)
        self.bitwidth = bitwidth

    def cast_python_value(self, value):
        value = float(value)
        if self.bitwidth == 64:
            return value
        try:
            return _struct.unpack("f", _struct.pack("f", value))[0]
        except OverflowError:
            return value * float("inf")

    def accepts(self, given):
        if isinstance(given, Float):
            return 0 if given == self else 1
        return 2 if isinstance(given, (Integer, Boolean)) else None

    def convert(self, value):
        return value if value.__class__ is float else float(value)

    @property
    def python_class(self):
        return float


class Complex(Number):
    """A complex number."""

    def __init__(self, name, underlying_float):
        super().__init__(name)
        self.underlying_float = underlying_float
        self.bitwidth = 2 * underlying_float.bitwidth

    def cast_python_value(self, value):
        value = complex(value)
        part = self.underlying_float.cast_python_value
        return complex(part(value.real), part(value.imag))

    def accepts(self, given):
        if isinstance(given, Complex):
            return 0 if given == self else 1
        return 2 if isinstance(given, (Float, Integer, Boolean)) else None

    def convert(self, value):
        return value if value.__class__ is complex else complex(value)

    @property
    def python_class(self):
        return complex


class Boolean(Type):
    """True or False."""

    bitwidth = 8

    def cast_python_value(self, value):
        return _bool(value)

    def accepts(self, given):
        return 0 if given == self else 3 if isinstance(given, Number) else None

    def convert(self, value):
        return value if value.__class__ is _bool else _bool(value)

    @property
    def python_class(self):
        return _bool


class NoneType(Dummy):
    """The type of None."""

    def accepts(self, given):
        return 0 if isinstance(given, NoneType) else None


class PyObject(Dummy):
    """Any object."""

    def accepts(self, given):
        return 4

    def is_precise(self):
        return False


class UnicodeType(Type):
    """A str."""

    @property
    def python_class(self):
        return str


class Opaque(Dummy):
    """Something that is only passed on."""


class _Compound(Type):
    """A type made of others."""

    def __init__(self, name, *parts):
        super().__init__(name)
        self._parts = parts

    @property
    def key(self):
        return self._parts


class Optional(_Compound):
    """A type or None."""

    def __init__(self, type_):
        self.type = type_
        super().__init__(f"OptionalType({type_})", type_)

    def accepts(self, given):
        return 1 if isinstance(given, NoneType) else self.type.accepts(given)

    def convert(self, value):
        return value if value is None else self.type.convert(value)


class Omitted(_Compound):
    """A parameter that was not given."""

    def __init__(self, value):
        self.value = value
        super().__init__(f"omitted(default={value!r})", repr(value), value.__class__)


class Literal(_Compound):
    """The type of one value."""

    def __init__(self, value):
        from numba.core.typing import typeof
        self.literal_value = value
        self.literal_type = typeof(value)
        super().__init__(f"Literal[{value.__class__.__name__}]({value!r})", value.__class__, value)

    def accepts(self, given):
        return self.literal_type.accepts(given)


def literal(value):
    """The type of one value."""
    return Literal(value)


class _Buffer(_Compound):
    """Memory full of numbers."""

    kind = "buffer"
    mutable = True

    def __init__(self, dtype, ndim=1, layout="C", readonly=False):
        self.dtype = dtype
        self.ndim = ndim
        self.layout = layout
        self.mutable = not readonly
        prefix = "readonly " if readonly else ""
        super().__init__(f"{prefix}{self.kind}({dtype}, {ndim}d, {layout})", self.kind, dtype, ndim, layout, readonly)

    def accepts(self, given):
        """Memory of any kind is taken where an array is declared, and lists of numbers."""
        if self == given:
            return 0
        if isinstance(given, (_Buffer, List, ListType, UniTuple)):
            depth, item = _nesting(given)
            if depth >= self.ndim:
                return 1 if item == self.dtype else 2
        return None


def _nesting(type_):
    """How deep containers are nested, and the type of what they hold in the end."""
    depth = 0
    while True:
        if isinstance(type_, _Buffer):
            return depth + type_.ndim, type_.dtype
        if not isinstance(type_, (List, ListType, UniTuple)):
            return depth, type_
        depth, type_ = depth + 1, type_.dtype


class Array(_Buffer):
    """An array, here an `array.array`, a memoryview or nested lists."""

    kind = "array"

    def copy(self, dtype=None, ndim=None, layout=None, readonly=None):
        """The type with something changed."""
        return Array(dtype or self.dtype, self.ndim if ndim is None else ndim, layout or self.layout,
                     not self.mutable if readonly is None else readonly)


class PyArray(_Buffer):
    """An `array.array`."""

    kind = "pyarray"


class Bytes(_Buffer):
    """A bytes object."""

    kind = "bytes"


class ByteArray(_Buffer):
    """A bytearray."""

    kind = "bytearray"


class MemoryView(_Buffer):
    """A memoryview."""

    kind = "memoryview"


class _Sequence(_Compound):
    """Items of one type."""

    def __init__(self, name, dtype, *more):
        self.dtype = self.item_type = dtype
        super().__init__(name, dtype, *more)

    def __len__(self):
        return self.count if isinstance(self, UniTuple) else 0

    def __bool__(self):
        return True


class List(_Sequence):
    """A list."""

    mutable = True

    def __init__(self, dtype, reflected=False, initial_value=None):
        self.reflected = reflected
        super().__init__(f"{'reflected ' if reflected else ''}list({dtype})<iv=None>", dtype)

    def __repr__(self):
        return f"List({self.dtype}, {self.reflected})"

    def accepts(self, given):
        if isinstance(given, List):
            return 0 if given.dtype == self.dtype else 3 if self.dtype.accepts(given.dtype) is not None else None
        return None


class Set(_Sequence):
    """A set."""

    mutable = True

    def __init__(self, dtype, reflected=False):
        self.reflected = reflected
        super().__init__(f"{'reflected ' if reflected else ''}set({dtype})", dtype)

    def __repr__(self):
        return f"Set({self.dtype}, {self.reflected})"

    accepts = lambda self, given: 0 if isinstance(given, Set) and given.dtype == self.dtype else None


class UniTuple(_Sequence):
    """A tuple of a number of items of one type."""

    def __init__(self, dtype, count):
        self.count = count
        super().__init__(f"UniTuple({dtype} x {count})", dtype, count)

    def __repr__(self):
        return f"UniTuple({self.dtype}, {self.count})"

    @property
    def types(self):
        return (self.dtype,) * self.count

    def __iter__(self):
        return iter(self.types)

    def accepts(self, given):
        return _accept_tuple(self, given)

    def convert(self, value):
        return tuple(map(self.dtype.convert, value))


class Tuple(_Compound):
    """A tuple with a type for each item."""

    def __new__(cls, types):
        types = tuple(types)
        if cls is Tuple and types and types.count(types[0]) == len(types):
            return UniTuple(types[0], len(types))
        return super().__new__(cls)

    def __init__(self, types):
        self.types = tuple(types)
        self.count = len(self.types)
        super().__init__(f"Tuple({', '.join(map(str, self.types))})", *self.types)

    def __repr__(self):
        return f"Tuple({self.types!r})" if self.types else "Tuple(())"

    def __len__(self):
        return self.count

    def __bool__(self):
        return True

    def __iter__(self):
        return iter(self.types)

    def accepts(self, given):
        return _accept_tuple(self, given)

    def convert(self, value):
        return tuple(t.convert(v) for t, v in zip(self.types, value))


def _accept_tuple(self, given):
    if not isinstance(given, (Tuple, UniTuple)) or given.count != self.count:
        return None
    fits = [mine.accepts(its) for mine, its in zip(self.types, given.types)]
    return None if None in fits else max(fits, default=0)


class NamedTuple(Tuple):
    """A named tuple."""

    def __init__(self, types, cls):
        self.instance_class = cls
        self.fields = cls._fields
        super().__init__(types)
        self.name = f"{cls.__name__}({', '.join(map(str, self.types))})"
        self._parts = (cls, *self.types)

    def accepts(self, given):
        return 0 if self == given else None

    convert = Type.convert


class ListType(_Sequence):
    """A `typed.List`."""

    mutable = True

    def __init__(self, itemty):
        super().__init__(f"ListType[{itemty}]", itemty)


class DictType(_Compound):
    """A `typed.Dict`, and with `reflected` a dict."""

    mutable = True

    def __init__(self, keyty, valty, initial_value=None):
        self.key_type = keyty
        self.value_type = valty
        super().__init__(f"DictType[{keyty},{valty}]<iv=None>", keyty, valty)


class SliceType(Dummy):
    """A slice."""


class RangeType(Dummy):
    """A range."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"range_state_{dtype}")


class Module(_Compound):
    """A module."""

    def __init__(self, pymod):
        self.pymod = pymod
        super().__init__(f"Module({pymod!r})", id(pymod))


class Function(Opaque):
    """A function that is no dispatcher."""

    def __init__(self, function):
        super().__init__(f"Function({function!r})")


class Dispatcher(_Compound):
    """What `jit` gives."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        super().__init__(f"type({dispatcher!r})", id(dispatcher))


class FunctionType(_Compound):
    """A function with a signature."""

    def __init__(self, signature):
        self.signature = signature
        super().__init__(f"FunctionType[{signature}]", signature.return_type, *signature.args)

    accepts = lambda self, given: 0 if isinstance(given, (Function, Dispatcher, FunctionType)) else None


class ClassInstanceType(_Compound):
    """An instance of a class."""

    def __init__(self, cls):
        self.instance_class = cls
        super().__init__(f"instance.{cls.__module__}.{cls.__qualname__}", cls)

    def accepts(self, given):
        return 0 if isinstance(given, ClassInstanceType) and issubclass(given.instance_class, self.instance_class) else None


class DeferredType(Type):
    """A type to be told later."""

    def __init__(self):
        super().__init__("deferred")
        self._type = None

    def define(self, type_):
        """Say which type it is."""
        if self._type is not None:
            raise TypeError("the type has been defined already")
        self._type = type_

    def get(self):
        """The type."""
        if self._type is None:
            raise RuntimeError("the type has not been defined")
        return self._type

    key = property(id)

    def accepts(self, given):
        return self.get().accepts(given)


def deferred_type():
    """A type to be told later."""
    return DeferredType()


def optional(type_):
    """The type or None."""
    return Optional(type_)


class VarArg(_Compound):
    """`*args`."""

    def __init__(self, dtype):
        super().__init__(f"*{dtype}", dtype)


StarArgTuple = Tuple
BaseTuple = (Tuple, UniTuple)
Sequence = (List, Tuple, UniTuple, ListType)

bool = boolean = bool_ = b1 = Boolean("bool")
int8, int16, int32, int64 = (Integer(f"int{n}", n, True) for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (Integer(f"uint{n}", n, False) for n in (8, 16, 32, 64))
float32, float64 = Float("float32", 32), Float("float64", 64)
complex64, complex128 = Complex("complex64", float32), Complex("complex128", float64)
none = void = NoneType("none")
pyobject = PyObject("pyobject")
unicode_type = string = UnicodeType("unicode_type")
voidptr = Opaque("void*")
slice2_type, slice3_type = SliceType("slice<a:b>"), SliceType("slice<a:b:c>")
range_state64_type = RangeType(int64)
ellipsis = Opaque("...")
undefined = Opaque("undefined")
unknown = Opaque("unknown")

i1, i2, i4, i8 = int8, int16, int32, int64
u1, u2, u4, u8 = uint8, uint16, uint32, uint64
f4, f8, c8, c16 = float32, float64, complex64, complex128
float_, double = float32, float64
char, uchar, byte = int8, uint8, uint8
short, ushort = int16, uint16
intc = int_c = int32
uintc = uint32
int_ = intp = long_ = longlong = ssize_t = int64
uint = uintp = ulong = ulonglong = size_t = uint64

integer_domain = frozenset([int8, int16, int32, int64, uint8, uint16, uint32, uint64])
signed_domain = frozenset([int8, int16, int32, int64])
unsigned_domain = frozenset([uint8, uint16, uint32, uint64])
real_domain = frozenset([float32, float64])
complex_domain = frozenset([complex64, complex128])
number_domain = real_domain | integer_domain | complex_domain

__all__ = """bool_ boolean b1 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128 none i1 i2 i4
i8 u1 u2 u4 u8 f4 f8 c8 c16 double char uchar byte short ushort intc uintc int_ intp long_ longlong ssize_t uint uintp
ulong ulonglong size_t optional deferred_type""".split()
