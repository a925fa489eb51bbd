"""Signatures, and the type of a value."""

import array as _array

from numba.core import types



class Signature:
    """The types of a function's result and arguments."""

    __slots__ = "return_type", "args", "recvr", "pysig"

    def __init__(self, return_type, args, recvr=None, pysig=None):
        self.return_type = return_type
        self.args = tuple(args)
        self.recvr = recvr
        self.pysig = pysig

    def __eq__(self, other):
        return isinstance(other, Signature) and (self.return_type, self.args) == (other.return_type, other.args)

    def __hash__(self):
        return hash((self.return_type, self.args))

    def __repr__(self):
        return f"({', '.join(map(str, self.args))}) -> {self.return_type}"

    def __call__(self, *args):
        """A signature as the result's type: a function that gives a function."""
        return Signature(types.FunctionType(self), args)


def signature(return_type, *args, **options):
    """A signature."""
    return Signature(return_type, args)


def typeof(value, purpose=None):
    """The type of a value. ValueError if there is no name for it."""
    found = _typeof(value)
    if found is None:
        raise ValueError(f"Cannot determine Numba type of {value.__class__}")
    return found


def kind_of(value):
    """As `typeof`; objects that have no name there are `pyobject`s or instances of their class."""
    found = _typeof(value)
    if found is None:
        cls = value.__class__
        return types.ClassInstanceType(cls) if cls.__flags__ & 1 << 9 else types.pyobject
    return found


def _int_type(value):
    # Python's ints are of any size: this is the name of the smallest type that Numba has for it.
    if -1 << 63 <= value < 1 << 63:
        return types.int64
    return types.uint64 if 0 < value < 1 << 64 else types.pyobject


def _common(values):
    """The type of a container's items, told from the first one."""
    for value in values:
        return kind_of(value)
    return types.undefined


def _tuple_type(value):
    items = tuple(map(kind_of, value))
    if value.__class__ is not tuple and hasattr(value, "_fields"):
        return types.NamedTuple(items, value.__class__)
    return types.Tuple(items)


_CODES = {
    "b": types.int8, "B": types.uint8, "h": types.int16, "H": types.uint16, "i": types.int32, "I": types.uint32,
    "l": types.int64, "L": types.uint64, "q": types.int64, "Q": types.uint64, "f": types.float32, "d": types.float64,
    "?": types.boolean, "n": types.int64, "N": types.uint64, "c": types.uint8,
}


def _memory_type(value):
    dtype = _CODES.get(value.format.lstrip("@"))
    if dtype is None:
        return None
    return types.MemoryView(dtype, value.ndim, "C" if value.c_contiguous else "A", value.readonly)


_BY_CLASS = {
    bool: lambda value: types.boolean,
    int: _int_type,
    float: lambda value: types.float64,
    complex: lambda value: types.complex128,
    str: lambda value: types.unicode_type,
    None.__class__: lambda value: types.none,
    bytes: lambda value: types.Bytes(types.uint8, 1, "C", True),
    bytearray: lambda value: types.ByteArray(types.uint8),
    memoryview: _memory_type,
    _array.array: lambda value: types.PyArray(_CODES[value.typecode]) if value.typecode in _CODES else None,
    list: lambda value: types.List(_common(value), reflected=True),
    set: lambda value: types.Set(_common(value), reflected=True),
    slice: lambda value: types.slice2_type if value.step is None else types.slice3_type,
    Ellipsis.__class__: lambda value: types.ellipsis,
}


def _typeof(value):
    known = _BY_CLASS.get(value.__class__)
    if known is not None:
        return known(value)
    if isinstance(value, tuple):
        return _tuple_type(value)
    own = getattr(value.__class__, "_numba_type_", None)
    if own is not None:
        return value._numba_type_
    if isinstance(value, types.Type):
        return types.Opaque(f"class({value})")
    for cls in (int, float, str):
        # Instances of subclasses, such as members of enumerations, are more than their number.
        if isinstance(value, cls):
            return types.ClassInstanceType(value.__class__)
    if value.__class__.__name__ in ("function", "builtin_function_or_method"):
        return types.Function(value)
    if value.__class__.__name__ == "module":
        return types.Module(value)
    return None


def normalize_signature(text):
    """(argument types, result type or None) of a signature: a `Signature`, a tuple of types, or a text like "f8(f8, i4)"."""
    parsed = text
    if isinstance(text, str):
        namespace = {name: getattr(types, name) for name in dir(types) if not name.startswith("_")}
        namespace["__builtins__"] = {}
        try:
            parsed = eval(text, namespace)
        except Exception as error:
            raise TypeError(f"invalid signature: {text!r} ({error.__class__.__name__}: {error})") from None
    if isinstance(parsed, tuple):
        args, result = parsed, None
    elif isinstance(parsed, Signature):
        args, result = parsed.args, parsed.return_type
    elif isinstance(parsed, types.Type):
        # The types of no arguments cannot be told from the type of one: Numba takes "f8" for f8 alone.
        args, result = (parsed,), None
    else:
        raise TypeError(f"invalid signature: {text!r} (type: {text.__class__}) evaluates to {parsed.__class__}"
                        if isinstance(text, str) else f"invalid signature: {text!r} (type: {text.__class__})")
    for part in args if result is None else (*args, result):
        if not isinstance(part, types.Type):
            raise TypeError(f"invalid type in signature: expected a type instance, got {part!r}")
    return args, result


def is_signature(value):
    """Whether a decorator's argument is a signature."""
    return isinstance(value, (str, tuple, Signature, types.Type))


_SAMPLES = {types.unicode_type: "a", types.none: None, types.pyobject: None, types.boolean: True}


def sample(type_):
    """A value of a type, to compile with."""
    if type_ in _SAMPLES:
        return _SAMPLES[type_]
    if isinstance(type_, types.Integer):
        return 1
    if isinstance(type_, types.Float):
        return 1.5
    if isinstance(type_, types.Complex):
        return 1.5j
    if isinstance(type_, types.Omitted):
        return type_.value
    if isinstance(type_, (types.Tuple, types.UniTuple)):
        items = map(sample, type_.types)
        return type_.instance_class(*items) if isinstance(type_, types.NamedTuple) else tuple(items)
    if isinstance(type_, (types.List, types.Set)):
        items = [] if type_.dtype is types.undefined else [sample(type_.dtype)]
        return items if isinstance(type_, types.List) else set(items)
    if isinstance(type_, types.Bytes):
        return b"a"
    if isinstance(type_, types.ByteArray):
        return bytearray(b"a")
    if isinstance(type_, (types.PyArray, types.Array, types.MemoryView)):
        code = next((code for code, t in _CODES.items() if t == type_.dtype), "d")
        made = _array.array(code if code in _array.typecodes else "B", [0])
        return made if not isinstance(type_, types.MemoryView) else memoryview(made)
    if isinstance(type_, types.Optional):
        return sample(type_.type)
    if isinstance(type_, types.Dispatcher):
        return type_.dispatcher
    return None
