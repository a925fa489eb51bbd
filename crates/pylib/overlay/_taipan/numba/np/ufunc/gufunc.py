"""`guvectorize`: a function of sequences is applied along the outer dimensions of nested ones."""

import array as _array
import re

from numba.core import types
from numba.core.dispatcher import CPUDispatcher
from numba.core.errors import NumbaNotImplementedError
from numba.core.typing import is_signature, kind_of, normalize_signature
from numba.np.ufunc.dufunc import array_code, is_sequence

_PART = re.compile(r"\(([^()]*)\)")


def parse_layout(layout):
    """`"(m,n),(n)->(m)"` as the names of the dimensions of inputs and of outputs."""
    sides = layout.replace(" ", "").split("->")
    if len(sides) != 2 or any(_PART.sub("", side).strip(",") for side in sides):
        raise ValueError(f"malformed gufunc signature: {layout!r}")
    inputs, outputs = ([tuple(filter(None, part.split(","))) for part in _PART.findall(side)] for side in sides)
    if not outputs:
        raise ValueError(f"malformed gufunc signature: {layout!r} has no output")
    known = {name for part in inputs for name in part}
    for name in (name for part in outputs for name in part):
        if name not in known:
            raise NameError(f"undefined output symbols: {name}")
    return inputs, outputs


def _shape(value):
    """The lengths of nested sequences, outermost first."""
    if isinstance(value, memoryview):
        return value.shape
    if not is_sequence(value):
        return ()
    return (len(value), *(_shape(value[0]) if len(value) else ()))


def _flat(value, depth):
    if depth == 1:
        return list(value)
    return [item for row in value for item in _flat(row, depth - 1)]


def _code_of(items):
    kinds = set(map(type, items))
    return "d" if float in kinds else "q" if kinds <= {int, bool} else None


class GUFunc:
    """A function of sequences that takes nested ones too."""

    def __init__(self, function, signatures, layout, options=None):
        self.py_func = self.__wrapped__ = function
        self.signature = layout
        self._inputs, self._outputs = parse_layout(layout)
        self.nin, self.nout = len(self._inputs), len(self._outputs)
        self.nargs = self.nin + self.nout
        if function.__code__.co_argcount != self.nargs:
            raise ValueError(f"{function.__name__} takes {function.__code__.co_argcount} arguments, but its layout "
                             f"{layout!r} has {self.nargs}")
        self._signatures = [normalize_signature(s)[0] for s in signatures]
        for args in self._signatures:
            if len(args) != self.nargs:
                raise TypeError(f"the signature {args} does not fit the layout {layout!r}")
        self._kernel = CPUDispatcher(function, (), options)
        # Without numpy only memoryviews have a shape and several dimensions.
        self._wants_views = bool({"shape", "ndim", "size", "strides"} & set(function.__code__.co_names))
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            setattr(self, name, getattr(function, name))

    def __repr__(self):
        return f"<numba._GUFunc '{self.__name__}'>"

    def __reduce__(self):
        return self.__qualname__

    @property
    def types(self):
        """The signatures."""
        return list(self._signatures) or self._kernel.signatures

    def __call__(self, *args, out=None):
        if out is not None:
            args += out if isinstance(out, tuple) else (out,)
        if len(args) not in (self.nin, self.nargs):
            raise TypeError(f"{self.__name__}() takes {self.nin} or {self.nargs} arguments, but {len(args)} were given")
        if len(args) == self.nin and not self._signatures:
            raise TypeError(f"{self.__name__}() has no signatures that tell the type of its result: pass the output too")
        shapes = list(map(_shape, args))
        return self._apply(args[:self.nin], args[self.nin:], shapes)

    def _apply(self, inputs, outputs, shapes):
        outer = [shape[:len(shape) - len(core)] for shape, core in zip(shapes, self._inputs)]
        for shape, core in zip(shapes, self._inputs):
            if len(shape) < len(core):
                raise ValueError(f"{self.__name__}: an input has {len(shape)} dimensions, its layout has {len(core)}")
        depth = max(map(len, outer), default=0)
        if depth == 0:
            return self._run(inputs, outputs, shapes)
        longest = {len(shape) and shape[0] for shape in outer if len(shape) == depth} - {1}
        if len(longest) > 1:
            raise ValueError(f"operands could not be broadcast together with lengths {', '.join(map(str, sorted(longest)))}")
        n = longest.pop() if longest else 1
        rows = []
        for i in range(n):
            parts, its_shapes = [], []
            for value, shape, its_outer in zip(inputs, shapes, outer):
                moves = len(its_outer) == depth
                parts.append(value[i if its_outer[0] != 1 else 0] if moves else value)
                its_shapes.append(shape[1:] if moves else shape)
            rows.append(self._apply(parts, [out[i] for out in outputs], its_shapes + [()] * len(outputs)))
        if outputs:
            return outputs[0] if self.nout == 1 else outputs
        return rows if self.nout == 1 else tuple(list(column) for column in zip(*rows))

    def _run(self, inputs, outputs, shapes):
        sizes = {}
        for shape, core in zip(shapes, self._inputs):
            for name, length in zip(core, shape[len(shape) - len(core):]):
                if sizes.setdefault(name, length) != length:
                    raise ValueError(f"{self.__name__}: the dimension {name!r} has the lengths {sizes[name]} and {length}")
        signature = self._choose(inputs)
        args = [self._input(value, core, signature and signature[i])
                for i, (value, core) in enumerate(zip(inputs, self._inputs))]
        made = []
        for k, core in enumerate(self._outputs):
            lengths = tuple(sizes[name] for name in core)
            given = outputs[k] if outputs else None
            made.append(self._output(given, lengths, signature and signature[self.nin + k]))
        self._kernel(*args, *(memory for memory, _ in made))
        for k, (memory, finish) in enumerate(made):
            made[k] = finish(memory)
        return made[0] if self.nout == 1 else tuple(made)

    def _choose(self, inputs):
        """The first signature whose kinds of numbers hold the inputs."""
        wide = any(_has_float(value) for value in inputs)
        for signature in self._signatures:
            if not wide or any(isinstance(getattr(t, "dtype", t), (types.Float, types.Complex)) for t in signature[:self.nin]):
                return signature
        return self._signatures[0] if self._signatures else None

    def _view(self, memory, lengths):
        if len(lengths) > 1:
            return memoryview(memory).cast("B").cast(memory.typecode, lengths)
        return memoryview(memory) if self._wants_views else memory

    def _input(self, value, core, type_):
        dtype = getattr(type_, "dtype", type_)
        if not core:
            if isinstance(type_, types.Array):
                return self._view(_array.array(array_code(dtype) or "d", [value]), (1,))
            return value if type_ is None else type_.convert(value)
        code = array_code(dtype) if dtype is not None else None
        own = getattr(value, "typecode", None) or getattr(value, "format", None)
        if own is not None and (code is None or code == own or {code, own} <= {"l", "q"}) and len(core) == 1:
            return memoryview(value) if self._wants_views else value
        items = _flat(value, len(core)) if not isinstance(value, memoryview) or value.ndim == 1 else value.tolist()
        code = code or _code_of(items)
        if code is None:
            return value
        if dtype is not None:
            items = map(dtype.convert, items)
        return self._view(_array.array(code, items), _shape(value)[-len(core):])

    def _output(self, given, lengths, type_):
        """Memory for an output, and what makes the result of it."""
        if given is not None and len(lengths) <= 1 and is_sequence(given):
            if self._wants_views and isinstance(given, _array.array):
                return memoryview(given), lambda _: given
            return given, lambda _: given
        dtype = getattr(type_, "dtype", type_)
        total = 1
        for length in lengths:
            total *= length
        code = (array_code(dtype) if dtype is not None else None) or "d"
        memory = _array.array(code, [0]) * total
        view = self._view(memory, lengths or (1,))

        def finish(_):
            if not lengths:
                return memory[0]
            if len(lengths) == 1:
                return memory
            rows = _rows(memory, lengths)
            if given is not None:
                given[:] = rows
                return given
            return rows
        return view, finish


def _rows(memory, lengths):
    if len(lengths) == 1:
        return memory
    step = len(memory) // lengths[0] if lengths[0] else 0
    return [_rows(memory[i * step:(i + 1) * step], lengths[1:]) for i in range(lengths[0])]


def _has_float(value):
    if isinstance(value, (memoryview, _array.array)):
        return (value.format if isinstance(value, memoryview) else value.typecode) in "fd"
    return any(map(_has_float, value)) if is_sequence(value) else isinstance(value, float)


def guvectorize(*args, **options):
    """Make a function of sequences one of nested sequences: `@guvectorize(["void(f8[:], f8[:])"], "(n)->(n)")`."""
    target = options.pop("target", "cpu")
    if target not in ("cpu", "parallel"):
        raise NumbaNotImplementedError(f"guvectorize: there is no target {target!r}")
    if len(args) == 1:
        signatures, layout = (), args[0]
    elif len(args) == 2:
        signatures, layout = args
    else:
        raise TypeError("guvectorize() takes signatures and a layout")
    # A tuple of types is one signature, in a list or alone.
    if is_signature(signatures) and signatures != ():
        signatures = [signatures]
    options.pop("identity", None)
    options.pop("writable_args", None)
    return lambda function: GUFunc(function, list(signatures), layout, options)
