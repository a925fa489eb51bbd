"""Taipan's opcodes: names, numbers and kinds of operands.

The module `opcode` has those of CPython, which programs expect there by name.
"""

__all__ = ["cmp_op", "stack_effect", "hascompare", "opname", "opmap",
           "HAVE_ARGUMENT", "EXTENDED_ARG", "hasarg", "hasconst", "hasname",
           "hasjump", "hasjrel", "hasjabs", "hasfree", "haslocal", "hasexc"]

import _opcode
from _opcode import stack_effect

opname = _opcode.get_names()
opmap = {name: number for number, name in enumerate(opname)}

# Numbers say nothing about operands here, and no instruction extends another: any opcode compares as having operands,
# and the prefix has a number that no opcode has.
HAVE_ARGUMENT = 0
EXTENDED_ARG = len(opname)

# What dis shows for the place in front of the first instruction.
opmap["RESUME"] = len(opname) + 1

cmp_op = ("<", "<=", "==", "!=", ">", ">=")

hasarg = [op for op in range(len(opname)) if _opcode.has_arg(op)]
hasconst = [op for op in range(len(opname)) if _opcode.has_const(op)]
hasname = [op for op in range(len(opname)) if _opcode.has_name(op)]
hasjump = [op for op in range(len(opname)) if _opcode.has_jump(op)]
hasjrel = hasjump
hasjabs = []
hasfree = [op for op in range(len(opname)) if _opcode.has_free(op)]
haslocal = [op for op in range(len(opname)) if _opcode.has_local(op)]
hasexc = []
hascompare = [opmap[name] for name in ("LT", "LE", "EQ", "NE", "GT", "GE")]

_intrinsic_1_descs = _opcode.get_intrinsic1_descs()
_intrinsic_2_descs = _opcode.get_intrinsic2_descs()
_special_method_names = _opcode.get_special_method_names()
_nb_ops = _opcode.get_nb_ops()
_specializations = {}
_inline_cache_entries = {name: _opcode.get_cache_size(op) for op, name in enumerate(opname)
                         if _opcode.get_cache_size(op)}
