"""Declarations for Numba's compiler. Python functions need none: they work in compiled code as they are."""

from numba.core.decorators import jit, njit
from numba.core.errors import NumbaNotImplementedError
from numba.core.dispatcher import Dispatcher


def is_jitted(function):
    """True for what `jit` gives."""
    return isinstance(function, Dispatcher)


def register_jitable(*args, **options):
    """The function, which compiled code can call as it is."""
    if args and callable(args[0]) and not options:
        return args[0]
    return lambda function: function


def overload(function, jit_options=None, strict=True, inline="never", prefer_literal=False, **options):
    """Compiled code calls the function itself, so a second implementation is not needed; it is kept as it is."""
    return lambda implementation: implementation


def overload_method(type_, name, **options):
    """As `overload`."""
    return lambda implementation: implementation


def overload_attribute(type_, name, **options):
    """As `overload`."""
    return lambda implementation: implementation


def overload_classmethod(type_, name, **options):
    """As `overload`."""
    return lambda implementation: implementation


def register_model(type_):
    """Objects need no model of their memory."""
    return lambda model: model


def make_attribute_wrapper(type_, struct_attr, python_attr):
    """Attributes are read as they are."""


def intrinsic(*args, **options):
    """Functions that make code by hand belong to LLVM, which is not here."""
    raise NumbaNotImplementedError("intrinsic: there is no LLVM to write code for; write a Python function")


def lower_builtin(*args):
    """As `intrinsic`."""
    raise NumbaNotImplementedError("lower_builtin: there is no LLVM to write code for; write a Python function")


lower_cast = lower_getattr = lower_setattr = lower_builtin
