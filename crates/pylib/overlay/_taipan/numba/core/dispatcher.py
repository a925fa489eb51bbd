"""What `jit` gives: a callable that stands for a function.

The native half (`_taipan_jit.Dispatcher`) is asked only when it is called with arguments of new kinds; other calls, and those in
compiled code, are calls of the function. With signatures a small function made here stands between: it converts arguments and
results, and is compiled, and usually inlined, like any other.
"""

import collections as _collections

import _taipan_jit
from numba.core import types
from numba.core.typing import Signature, kind_of, normalize_signature, sample

_CompileStats = _collections.namedtuple("_CompileStats", "cache_path, cache_hits, cache_misses")

OPTIONS = {
    "nopython", "forceobj", "looplift", "error_model", "inline", "target_backend", "_dbg_extend_lifetimes",
    "_dbg_optnone", "_nrt", "boundscheck", "debug", "fastmath", "no_cfunc_wrapper", "no_cpython_wrapper", "no_rewrites",
    "nogil", "parallel", "target", "writable_args", "identity", "impl_kind",
}


class CompileResult:
    """What is known of one overload."""

    def __init__(self, signature, entry_point):
        self.signature = signature
        self.entry_point = entry_point
        self.fndesc = None
        self.objectmode = False
        self.metadata = {}

    def __repr__(self):
        return f"<overload {self.signature}>"


class ControlFlow:
    """The blocks of a function's IR."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text

    def display(self, filename=None, format="pdf", view=False):
        """Print the blocks."""
        print(self._text)


class Dispatcher(_taipan_jit.Dispatcher):
    """A function that is compiled when it is first called with arguments of some types."""

    def __new__(cls, function, signatures=(), options=None, locals=None):
        parsed = [normalize_signature(signature) for signature in signatures]
        target = _converting(function, parsed) if parsed else function
        self = super().__new__(cls, target)
        self.py_func = self.__wrapped__ = function
        self.targetoptions = dict(options or {})
        self.locals = locals or {}
        self.overloads = _collections.OrderedDict()
        self._declared = parsed
        self._can_compile = not parsed
        self._names = None
        self._misses = _collections.Counter()
        for name in ("__name__", "__qualname__", "__module__", "__doc__", "__type_params__"):
            setattr(self, name, getattr(function, name))
        self.__dict__.update({key: value for key, value in function.__dict__.items() if key != "__wrapped__"})
        for args, result in parsed:
            self._add(args, result)
        return self

    def __repr__(self):
        return f"{type(self).__name__}({self.py_func!r})"

    def __reduce__(self):
        # By name, as functions.
        return self.__qualname__

    # Names of functions that programs and `inspect` look at.

    @property
    def __code__(self):
        return self.py_func.__code__

    @property
    def __defaults__(self):
        return self.py_func.__defaults__

    @property
    def __kwdefaults__(self):
        return self.py_func.__kwdefaults__

    @property
    def __annotations__(self):
        return self.py_func.__annotations__

    @property
    def _numba_type_(self):
        return types.Dispatcher(self)

    # Overloads.

    @property
    def signatures(self):
        """The argument types compiled for so far."""
        return list(self.overloads)

    @property
    def nopython_signatures(self):
        """The signatures compiled for so far; there is no other mode."""
        return [result.signature for result in self.overloads.values()]

    @property
    def stats(self):
        """Nothing is cached on disk; each overload was compiled."""
        return _CompileStats(None, _collections.Counter(), self._misses.copy())

    def _add(self, args, result):
        args = tuple(args)
        if args not in self.overloads:
            self.overloads[args] = CompileResult(Signature(result or types.undefined, args), self)
            self._misses[args] += 1
        return args

    def _parameters(self):
        if self._names is None:
            import inspect
            self._names = inspect.signature(self.py_func)
        return self._names

    def _types_of(self, values, names):
        """The types of a call's arguments, defaults included; None if they do not fit the parameters."""
        code = self.py_func.__code__
        if not names and len(values) == code.co_argcount and not code.co_kwonlyargcount and not code.co_flags & 12:
            return tuple(map(kind_of, values))
        named = len(names) if names else 0
        positional = values[:len(values) - named]
        try:
            bound = self._parameters().bind(*positional, **dict(zip(names or (), values[len(positional):])))
        except TypeError:
            return None
        given = bound.arguments
        found = []
        for name, parameter in self._parameters().parameters.items():
            if parameter.kind is parameter.VAR_POSITIONAL:
                found.append(types.StarArgTuple(map(kind_of, given.get(name, ()))))
            elif parameter.kind is parameter.VAR_KEYWORD:
                found.append(types.pyobject)
            elif name in given:
                found.append(kind_of(given[name]))
            else:
                found.append(types.Omitted(parameter.default))
        return tuple(found)

    def _seen(self, values, names):
        """The native half reports a call with arguments of new kinds; what this returns comes back with the result."""
        if self._declared:
            return None
        args = self._types_of(values, names)
        if args is None:
            return None
        if not self._can_compile and args not in self.overloads:
            raise TypeError(f"No matching definition for argument type(s) {', '.join(map(str, args))}")
        return self._add(args, None)

    def _returned(self, key, values, names, result):
        """The call of which `_seen` was told has returned."""
        if key is not None:
            self.overloads[key].signature.return_type = kind_of(result)
        if self._target is not self.py_func and not names:
            _taipan_jit.compile(self.py_func, tuple(map(_fitting, values, self._declared[0][0])))

    def compile(self, sig):
        """Compile for a signature; gives the callable."""
        args, result = normalize_signature(sig)
        args = self._add(args, result)
        code = self.py_func.__code__
        if len(args) == code.co_argcount and not code.co_flags & 12:
            # What a function does is learnt while it runs: one that never ran is compiled on its first call.
            _taipan_jit.compile(self.py_func, tuple(map(sample, args)))
        return self

    def recompile(self):
        """Throw the compiled code away; calls make it anew."""
        _taipan_jit.discard(self.py_func)
        _taipan_jit.discard(self._target)
        known = [result.signature for result in self.overloads.values()]
        for signature in known:
            try:
                self.compile(signature)
            except TypeError:
                pass

    def disable_compile(self, val=True):
        """Refuse calls with arguments of types not compiled for so far."""
        self._can_compile = not val
        _taipan_jit.forget(self)

    def get_overload(self, sig):
        """The callable for a signature."""
        return self.overloads[tuple(normalize_signature(sig)[0])].entry_point

    def get_compile_result(self, sig):
        """What is known of an overload."""
        return self.overloads[tuple(normalize_signature(sig)[0])]

    def get_metadata(self, signature=None):
        """Nothing is kept besides the code."""
        return self._by_signature(signature, lambda args: self.overloads[args].metadata)

    def enable_caching(self):
        """Code is not kept on disk: compiling takes milliseconds."""

    # Looking at the code.

    def _by_signature(self, signature, get):
        if signature is not None:
            return get(tuple(signature.args if isinstance(signature, Signature) else signature))
        return {args: get(args) for args in self.overloads}

    def _texts(self, args):
        found = _taipan_jit.describe(self.py_func, tuple(sample(a) for a in args if not isinstance(a, types.Omitted)))
        return found if isinstance(found, tuple) else (f"; {self.__qualname__} is not compiled: {found}",) * 4

    def inspect_asm(self, signature=None):
        """The machine code, disassembled: of one signature, or a dict of all."""
        return self._by_signature(signature, lambda args: self._texts(args)[3])

    def inspect_llvm(self, signature=None):
        """The IR after all passes; there is no LLVM."""
        return self._by_signature(signature, lambda args: self._texts(args)[1])

    def inspect_cfg(self, signature=None, show_wrapper=None, **options):
        """The blocks of the IR."""
        return self._by_signature(signature, lambda args: ControlFlow(self._texts(args)[1]))

    def inspect_disasm_cfg(self, signature=None):
        """The disassembly in blocks."""
        return self._by_signature(signature, lambda args: ControlFlow(self._texts(args)[3]))

    def inspect_types(self, file=None, signature=None, pretty=False, style="default", **options):
        """Print the source and the IR, whose values have types, for each signature."""
        import inspect
        wanted = self.overloads if signature is None else [tuple(normalize_signature(signature)[0])]
        for args in wanted:
            print(f"{self.__qualname__} {args}", file=file)
            print("-" * 80, file=file)
            try:
                lines, first = inspect.getsourcelines(self.py_func)
            except (OSError, TypeError):
                lines, first = [], 1
            for number, line in enumerate(lines, first):
                print(f"# {number:4} | {line.rstrip()}", file=file)
            print(self._texts(args)[0], file=file)

    def parallel_diagnostics(self, signature=None, level=1):
        """Loops run on one thread."""
        print(f"{self.__qualname__}: no loop runs in parallel")


_taipan_jit.binds_like_function(Dispatcher)


class CPUDispatcher(Dispatcher):
    """The dispatcher that `jit` makes."""


CPUDispatcher.__module__ = "numba.core.registry"
_taipan_jit.binds_like_function(CPUDispatcher)


# Signatures.

_NO_CONVERSION = (types.PyObject, types.Opaque, types.DeferredType)


def _fitting(value, type_):
    """An argument as a signature's type; TypeError if it is none."""
    given = kind_of(value)
    if type_.accepts(given) is None:
        raise TypeError(given)
    return type_.convert(value)


def _resolve(signatures, values):
    """The number of the signature that fits best, and the arguments converted."""
    given = tuple(map(kind_of, values))
    best = None
    for number, (args, _) in enumerate(signatures):
        if len(args) != len(given):
            continue
        fits = [declared.accepts(got) for declared, got in zip(args, given)]
        if None not in fits and (best is None or (max(fits, default=0), sum(fits)) < best[0]):
            best = (max(fits, default=0), sum(fits)), number
    if best is None:
        raise TypeError(f"No matching definition for argument type(s) {', '.join(map(str, given))}")
    if best[0][0] > 2 and len(signatures) > 1:
        raise TypeError(f"No matching definition for argument type(s) {', '.join(map(str, given))}")
    number = best[1]
    return number, [declared.convert(value) for declared, value in zip(signatures[number][0], values)]


def _converting(function, signatures):
    """A function that converts to a signature's types, calls `function`, and converts the result."""
    code = function.__code__
    names = code.co_varnames[:code.co_argcount]
    for args, _ in signatures:
        if len(args) > len(names) or code.co_flags & 12 or code.co_kwonlyargcount:
            raise TypeError(f"Signature mismatch: {len(args)} argument types given, but function takes {len(names)} arguments")
    if all(not _needs_check(t) for args, result in signatures for t in (*args, result)):
        return function
    scope = {"_function": function, "_resolve": _resolve, "_signatures": signatures}
    inner = [f"a{i}" for i in range(len(names))]
    listed = "".join(name + ", " for name in inner)
    lines = [f"def {function.__name__}({', '.join(inner)}):"]
    for number, (args, result) in enumerate(signatures):
        tests = [_exactly(scope, name, t) for name, t in zip(inner, args)]
        lines.append(f"    if {' and '.join(tests) or True}:")
        lines += _call(scope, number, listed, result, "        ")
    lines.append(f"    number, ({listed}) = _resolve(_signatures, ({listed}))" if listed else
                 "    number, _ = _resolve(_signatures, ())")
    for number, (args, result) in enumerate(signatures):
        lines.append(f"    if number == {number}:")
        lines += _call(scope, number, listed, result, "        ")
    exec(compile("\n".join(lines), "<signatures of numba>", "exec"), scope)
    made = scope[function.__name__]
    made.__code__ = made.__code__.replace(co_varnames=names + made.__code__.co_varnames[len(names):])
    made.__defaults__ = function.__defaults__
    made.__qualname__ = function.__qualname__
    return made


def _needs_check(type_):
    return type_ is not None and not isinstance(type_, _NO_CONVERSION)


def _exactly(scope, name, type_):
    """A condition that an argument needs no conversion."""
    if not _needs_check(type_):
        return "True"
    if type_.python_class is not None:
        scope[f"_{type_.python_class.__name__}"] = type_.python_class
        return f"type({name}) is _{type_.python_class.__name__}"
    if isinstance(type_, types.NoneType):
        return f"{name} is None"
    if isinstance(type_, (types.List, types.Array)):
        # A list of any items is taken as it is if its first one fits.
        key = f"_accepts{len(scope)}"
        scope[key] = lambda value: type_.accepts(kind_of(value)) is not None
        return f"{key}({name})"
    return "False"


def _call(scope, number, listed, result, indent):
    if not _needs_check(result):
        return [f"{indent}return _function({listed})"]
    if isinstance(result, types.NoneType):
        return [f"{indent}_function({listed})", f"{indent}return None"]
    key = f"_result{number}"
    scope[key] = result.convert
    test = _exactly(scope, "result", result)
    return [f"{indent}result = _function({listed})", f"{indent}if {test}:", f"{indent}    return result",
            f"{indent}return {key}(result)"]
