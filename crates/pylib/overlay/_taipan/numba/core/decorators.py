"""`jit` and its relatives."""

import types as _python
import warnings

from numba.core import config
from numba.core.dispatcher import OPTIONS, CPUDispatcher
from numba.core.errors import NumbaNotImplementedError
from numba.core.typing import is_signature


def jit(signature_or_function=None, locals={}, cache=False, pipeline_class=None, boundscheck=None, **options):
    """Compile a function on its first call, or for the signatures given.

    Used as `@jit`, `@jit()`, `@jit("f8(f8)")`, `@jit([int64(int64), float64(float64)])`, with any of Numba's options.
    They are accepted and checked for their names; none changes what the function computes.
    """
    if options.get("forceobj") and options.get("nopython"):
        raise ValueError("Only one of 'nopython' or 'forceobj' can be True.")
    unknown = options.keys() - OPTIONS
    if unknown:
        raise KeyError(f"Unrecognized options: {sorted(unknown)}. Known options are {sorted(OPTIONS)}")
    target = options.pop("target", "cpu")
    if target not in ("cpu", "generic", "npyufunc"):
        raise NumbaNotImplementedError(f"there is no target {target!r}")
    options.setdefault("nopython", True)
    options["boundscheck"] = boundscheck
    if signature_or_function is None:
        signatures, function = (), None
    elif isinstance(signature_or_function, list):
        signatures, function = signature_or_function, None
    elif is_signature(signature_or_function):
        signatures, function = [signature_or_function], None
    else:
        signatures, function = (), signature_or_function

    def decorate(function):
        if config.DISABLE_JIT and target != "npyufunc":
            return function
        _check(function)
        return CPUDispatcher(function, signatures, options, locals)

    return decorate if function is None else decorate(function)


def _check(function):
    if isinstance(function, CPUDispatcher):
        raise TypeError(f"A jit decorator was called on an already jitted function {function!r}. "
                        "Its Python function is its attribute py_func.")
    if isinstance(function, type):
        raise TypeError("A class cannot be decorated with jit: its methods are compiled when they are hot, "
                        "or decorate them; numba.experimental.jitclass accepts classes.")
    if not isinstance(function, _python.FunctionType):
        raise TypeError(f"The decorated object is not a function (got type {type(function)}).")


def njit(*args, **options):
    """As `jit`, whose only mode this is."""
    for name in ("nopython", "forceobj"):
        if name in options:
            warnings.warn(f"{name} is set for njit and is ignored", RuntimeWarning, stacklevel=2)
            del options[name]
    return jit(*args, nopython=True, **options)


def jit_module(**options):
    """Decorate all functions of the calling module that were defined in it."""
    import sys
    namespace = sys._getframe(1).f_globals
    for name, value in list(namespace.items()):
        if isinstance(value, _python.FunctionType) and value.__module__ == namespace["__name__"]:
            namespace[name] = jit(value, **options)


def cfunc(sig, locals={}, cache=False, pipeline_class=None, **options):
    """Functions for C need ctypes, which is not here."""
    raise NumbaNotImplementedError("cfunc: there are no C callbacks")


def stencil(*args, **options):
    """Stencils work on numpy's arrays, which are not here."""
    raise NumbaNotImplementedError("stencil: there are no numpy arrays to work on")
