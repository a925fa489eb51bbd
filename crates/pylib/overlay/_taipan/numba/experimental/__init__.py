"""Classes for Numba."""


def jitclass(cls_or_spec=None, spec=None):
    """The class as it is: methods and attributes of any class are compiled."""
    if isinstance(cls_or_spec, type) and spec is None:
        return cls_or_spec
    return (lambda cls: cls) if not isinstance(cls_or_spec, type) else cls_or_spec
