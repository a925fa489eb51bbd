"""`vectorize`: a function of scalars is applied to the items of sequences."""

import array as _array

from numba.core import types
from numba.core.dispatcher import CPUDispatcher
from numba.core.errors import NumbaNotImplementedError
from numba.core.typing import Signature, is_signature, kind_of, normalize_signature

_TYPECODES = {
    types.int8: "b", types.uint8: "B", types.int16: "h", types.uint16: "H", types.int32: "i", types.uint32: "I",
    types.int64: "l", types.uint64: "L", types.float32: "f", types.float64: "d", types.boolean: "?",
    types.complex64: "F", types.complex128: "D",
}
_SEQUENCES = (list, tuple, range, _array.array, memoryview, bytes, bytearray)
_MEMORY = (_array.array, memoryview, bytes, bytearray)


def is_sequence(value):
    """Whether items are taken from a value one by one."""
    return isinstance(value, _SEQUENCES)


def array_code(type_):
    """The type code of an `array.array` of items of a type, None if there is none."""
    code = _TYPECODES.get(type_)
    return {"?": "b", "F": None, "D": None, "l": "q", "L": "Q"}.get(code, code)


def gathered(items, wants_array, type_=None):
    """The results as an array or a list."""
    if not wants_array:
        return items
    code = array_code(type_) if type_ is not None else None
    if code is None:
        kinds = set(map(type, items))
        if not kinds or not kinds <= {int, float, bool}:
            return items
        code = "d" if float in kinds else "q" if int in kinds else "b"
    try:
        return _array.array(code, items)
    except (OverflowError, TypeError):
        return items


class DUFunc:
    """A function of scalars that takes sequences too."""

    nout = 1

    def __init__(self, function, signatures=(), identity=None, options=None):
        self.py_func = self.__wrapped__ = function
        self._signatures = [normalize_signature(s) for s in signatures]
        for args, result in self._signatures:
            if result is None or isinstance(result, types.NoneType):
                raise TypeError(f"the signature {args} of a function for vectorize has no result type")
        options = {k: v for k, v in (options or {}).items() if k not in ("target", "identity")}
        self._scalar = CPUDispatcher(function, signatures, options)
        self.nin = function.__code__.co_argcount
        self.nargs = self.nin + 1
        self.identity = identity
        self.signature = None
        self.targetoptions = options
        self._loops = {}
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            setattr(self, name, getattr(function, name))

    def __repr__(self):
        return f"<numba._DUFunc '{self.__name__}'>"

    def __reduce__(self):
        return self.__qualname__

    @property
    def types(self):
        """The signatures in numpy's letters."""
        found = [(args, result) for args, result in self._signatures] or [
            (s.args, s.return_type) for s in self._scalar.nopython_signatures]
        letter = lambda t: _TYPECODES.get(t, "O")
        return [f"{''.join(map(letter, args))}->{letter(result)}" for args, result in found]

    @property
    def ntypes(self):
        """How many signatures there are."""
        return len(self.types)

    @property
    def signatures(self):
        """The argument types compiled for so far."""
        return self._scalar.signatures

    def add(self, sig):
        """Compile for a signature."""
        self._signatures.append(normalize_signature(sig))
        self._scalar = CPUDispatcher(self.py_func, [Signature(r, a) for a, r in self._signatures], self.targetoptions)
        self._loops.clear()

    def build_ufunc(self):
        """The function itself."""
        return self

    def disable_compile(self):
        """Refuse arguments of types not compiled for so far."""
        self._scalar.disable_compile()

    def __call__(self, *args, out=None, where=True, dtype=None, casting=None):
        if len(args) == self.nin + 1 and out is None:
            *args, out = args
        if len(args) != self.nin:
            raise TypeError(f"{self.__name__}() takes from {self.nin} to {self.nargs} positional arguments "
                            f"but {len(args)} were given")
        if where is not True:
            raise NumbaNotImplementedError("vectorize: `where` needs numpy's arrays")
        return self._apply(args, out[0] if out.__class__ is tuple else out)

    def _apply(self, args, out):
        lengths = [len(a) for a in args if is_sequence(a)]
        if not lengths:
            result = self._scalar(*args)
            if out is not None:
                raise TypeError("return arrays must be sequences of the same shape as the arguments")
            return result
        n = max(lengths) if 0 not in lengths else 0
        if any(length != n and length != 1 for length in lengths):
            raise ValueError(f"operands could not be broadcast together with lengths {', '.join(map(str, lengths))}")
        # A sequence of length 1 stands for one of any length.
        args = [a[0] if is_sequence(a) and len(a) == 1 and n != 1 else a for a in args]
        if out is not None and len(out) != n:
            raise ValueError(f"the output has length {len(out)}, not {n}")
        if n and any(is_sequence(a) and is_sequence(a[0]) for a in args):
            rows = [self._apply([a[i] if is_sequence(a) else a for a in args], None if out is None else out[i])
                    for i in range(n)]
            return rows if out is None else out
        items = self._loop(tuple(map(is_sequence, args)))(n, *args)
        if out is not None:
            out[:] = items if isinstance(out, list) else _array.array(_format(out), items)
            return out
        return gathered(items, any(isinstance(a, _MEMORY) for a in args), self._result(args))

    def _result(self, args):
        if not self._signatures:
            return None
        return self._signatures[0][1] if len(self._signatures) == 1 else None

    def _loop(self, pattern):
        """A function that goes through sequences; `pattern` says which arguments are some."""
        loop = self._loops.get(pattern)
        if loop is None:
            names = [f"a{i}" for i in range(self.nin)]
            items = ", ".join(f"{name}[i]" if is_one else name for name, is_one in zip(names, pattern))
            source = (f"def loop(n, {', '.join(names)}):\n    out = []\n    for i in range(n):\n"
                      f"        out.append(function({items}))\n    return out\n")
            scope = {"function": self._scalar}
            exec(compile(source, "<vectorize>", "exec"), scope)
            loop = self._loops[pattern] = scope["loop"]
        return loop

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False, initial=None):
        """Combine all items from the left."""
        self._check_binary("reduce")
        items = iter(array)
        value = initial
        if value is None:
            value = next(items, None) if self.identity is None or len(array) else _number(self.identity)
            if value is None:
                raise ValueError(f"zero-size array to reduction operation {self.__name__} which has no identity")
        for item in items:
            value = self._apply((value, item), None)
        return value

    def accumulate(self, array, axis=0, dtype=None, out=None):
        """All intermediate results of `reduce`."""
        self._check_binary("accumulate")
        found = []
        for item in array:
            found.append(item if not found else self._apply((found[-1], item), None))
        return gathered(found, isinstance(array, _MEMORY))

    def outer(self, a, b):
        """The function of all pairs, as a list of rows."""
        self._check_binary("outer")
        return [self._apply((item, b), None) for item in a]

    def at(self, array, indices, other=None):
        """Replace the items at indices by the function of them."""
        for k, i in enumerate(indices if is_sequence(indices) else [indices]):
            more = () if other is None else (other[k] if is_sequence(other) else other,)
            array[i] = self._scalar(array[i], *more)

    def _check_binary(self, what):
        if self.nin != 2:
            raise ValueError(f"{what} only supported for binary functions")


def _format(out):
    return out.typecode if isinstance(out, _array.array) else memoryview(out).format


def _number(identity):
    return {"zero": 0, "one": 1}.get(identity, identity)


def vectorize(ftylist_or_function=(), target="cpu", identity=None, **options):
    """Make a function of scalars one that takes sequences: `@vectorize`, `@vectorize(["f8(f8, f8)"])`."""
    if target not in ("cpu", "parallel"):
        raise NumbaNotImplementedError(f"vectorize: there is no target {target!r}")
    if isinstance(ftylist_or_function, type(vectorize)):
        return DUFunc(ftylist_or_function, (), identity, options)
    signatures = [ftylist_or_function] if is_signature(ftylist_or_function) and ftylist_or_function != () else ftylist_or_function
    return lambda function: DUFunc(function, list(signatures), identity, options)
