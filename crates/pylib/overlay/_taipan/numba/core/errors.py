"""The exceptions and warnings that programs written for Numba catch and filter.

What goes wrong while a function runs raises Python's own exceptions, as without `jit`. These stand for what the decorators
themselves refuse: signatures that are none, arguments that no signature accepts.
"""


class NumbaError(Exception):
    """Base of the errors."""

    def __init__(self, msg="", loc=None, highlighting=True):
        self.msg = msg
        self.loc = loc
        super().__init__(f"{msg}\n{loc}" if loc else f"{msg}")

    @property
    def contexts(self):
        """What was being done, outermost last."""
        return self.__dict__.setdefault("_contexts", [])

    def add_context(self, msg):
        """Say what was being done."""
        self.contexts.append(msg)
        self.args = (f"{self.args[0]}\nwhile {msg}",)
        return self


class UnsupportedError(NumbaError): pass
class UnsupportedBytecodeError(NumbaError): pass
class UnsupportedRewriteError(UnsupportedError): pass
class UnsupportedParforsError(UnsupportedError): pass
class IRError(NumbaError): pass
class RedefinedError(IRError): pass
class NotDefinedError(IRError):
    def __init__(self, name, loc=None):
        self.name = name
        super().__init__(f"the variable {name!r} is not defined", loc)
class VerificationError(IRError): pass
class DeprecationError(NumbaError): pass
class LoweringError(NumbaError): pass
class ForbiddenConstruct(LoweringError): pass
class TypingError(NumbaError): pass
class UntypedAttributeError(TypingError):
    def __init__(self, value, attr, loc=None):
        super().__init__(f"{value} has no attribute {attr!r}", loc)
class ByteCodeSupportError(NumbaError): pass
class CompilerError(NumbaError): pass
class ConstantInferenceError(NumbaError):
    def __init__(self, value="", loc=None):
        super().__init__(f"{value} is no constant", loc)
class InternalError(NumbaError):
    def __init__(self, exception=None):
        super().__init__(str(exception))
        self.old_exception = exception
class InternalTargetMismatchError(InternalError): pass
class NonexistentTargetError(InternalError): pass
class RequireLiteralValue(TypingError): pass
class LiteralTypingError(TypingError): pass
class ForceLiteralArg(NumbaError): pass
class NumbaValueError(TypingError): pass
class NumbaTypeError(TypingError): pass
class NumbaAttributeError(TypingError): pass
class NumbaAssertionError(TypingError): pass
class NumbaNotImplementedError(TypingError): pass
class NumbaKeyError(TypingError): pass
class NumbaIndexError(TypingError): pass
class NumbaRuntimeError(NumbaError): pass

class NumbaWarning(Warning):
    """Base of the warnings."""
    def __init__(self, msg="", loc=None, highlighting=True):
        self.msg = msg
        self.loc = loc
        super().__init__(f"{msg}\n{loc}" if loc else f"{msg}")


class NumbaPerformanceWarning(NumbaWarning): pass
class NumbaDeprecationWarning(NumbaWarning, DeprecationWarning): pass
class NumbaPendingDeprecationWarning(NumbaWarning, PendingDeprecationWarning): pass
class NumbaParallelSafetyWarning(NumbaWarning): pass
class NumbaTypeSafetyWarning(NumbaWarning): pass
class NumbaExperimentalFeatureWarning(NumbaWarning): pass
class NumbaInvalidConfigWarning(NumbaWarning): pass
class NumbaPedanticWarning(NumbaWarning): pass
class NumbaIRAssumptionWarning(NumbaPedanticWarning): pass
class NumbaDebugInfoWarning(NumbaWarning): pass
class NumbaSystemWarning(NumbaWarning): pass


__all__ = [name for name, value in globals().items() if isinstance(value, type) and issubclass(value, (NumbaError, NumbaWarning))]
