"""Disassembler of Taipan's bytecode.

Taipan's instructions work on registers: the locals of a function come first, then its cells, then temporaries. An
instruction is one 64-bit word, and the words of its inline cache follow it. Offsets are those of `f_lasti` and
`co_lines()`: two for each word, starting at 2. Offset 0 is where a frame stands before its first instruction, as it
does on CPython's RESUME; that is how it is shown.
"""

import collections
import io
import sys
import types

import _opcode
from _taipan_opcode import *
from _taipan_opcode import __all__ as _opcodes_all

__all__ = ["code_info", "dis", "disassemble", "distb", "disco",
           "findlinestarts", "findlabels", "show_code",
           "get_instructions", "Instruction", "Bytecode"] + _opcodes_all
del _opcodes_all

_have_code = (types.MethodType, types.FunctionType, types.CodeType,
              classmethod, staticmethod, type)

COMPILER_FLAG_NAMES = {
    0x1: "OPTIMIZED",
    0x2: "NEWLOCALS",
    0x4: "VARARGS",
    0x8: "VARKEYWORDS",
    0x10: "NESTED",
    0x20: "GENERATOR",
    0x40: "NOFREE",
    0x80: "COROUTINE",
    0x100: "ITERABLE_COROUTINE",
    0x200: "ASYNC_GENERATOR",
    0x4000000: "HAS_DOCSTRING",
    0x8000000: "METHOD",
}


def pretty_flags(flags):
    """Return pretty representation of code flags."""
    names = []
    for bit in range(32):
        flag = 1 << bit
        if flags & flag:
            names.append(COMPILER_FLAG_NAMES.get(flag, hex(flag)))
            flags ^= flag
            if not flags:
                break
    else:
        names.append(hex(flags))
    return ", ".join(names)


Positions = collections.namedtuple(
    "Positions", ["lineno", "end_lineno", "col_offset", "end_col_offset"], defaults=[None] * 4)

_Instruction = collections.namedtuple(
    "_Instruction",
    ["opname", "opcode", "arg", "argval", "argrepr", "offset", "start_offset", "starts_line", "line_number",
     "label", "positions", "cache_info"],
    defaults=[None, None, None])


class Instruction(_Instruction):
    """Details for a bytecode operation.

    Defined fields:
      opname - human readable name for operation
      opcode - numeric code for operation
      arg - the operands as one number: a + b * 2**16 + c * 2**32
      argval - what the instruction names: an attribute or variable, a constant, the offset of a jump's target
      argrepr - human readable operands
      offset - offset of the instruction
      start_offset - the same
      starts_line - True if this opcode starts a source line, otherwise False
      line_number - source line number associated with this opcode (if any)
      label - number of the label, if a jump or an exception goes here
      positions - Positions of the source code covered by this instruction
      cache_info - names, sizes and contents of the inline cache
    """

    @property
    def oparg(self):
        """Alias for Instruction.arg."""
        return self.arg

    @property
    def baseopcode(self):
        """The opcode without specialisation."""
        return self.opcode

    @property
    def baseopname(self):
        """The name of the opcode without specialisation."""
        return self.opname

    @property
    def cache_offset(self):
        """Offset of the inline cache."""
        return self.offset + 2

    @property
    def end_offset(self):
        """Offset of the next instruction."""
        return self.cache_offset + sum(2 * size for _, size, _ in self.cache_info or ())

    @property
    def jump_target(self):
        """Offset of the jump's target, None if it is no jump."""
        return self.argval if self.opcode in _jumps else None

    @property
    def is_jump_target(self):
        """True if other code jumps to here, otherwise False"""
        return self.label is not None

    def __str__(self):
        output = io.StringIO()
        _write_instruction(self, output)
        return output.getvalue().rstrip()


_jumps = frozenset(hasjump)

_ExceptionTableEntry = collections.namedtuple("_ExceptionTableEntry", "start end target depth lasti")


def _parse_exception_table(code):
    """The handlers: ranges of offsets, where they lead, and the register of the exception as depth."""
    table, entries = code.co_exceptiontable, []
    for at in range(0, len(table), 16):
        start, end, target, register = (int.from_bytes(table[i:i + 4], "little") for i in range(at, at + 16, 4))
        entries.append(_ExceptionTableEntry(2 * start + 2, 2 * end + 2, 2 * target + 2, register, False))
    return entries


def _instructions(code):
    """Yields the instructions of a code object."""
    items = _opcode.get_instructions(code)
    targets = {2 * item[5] + 2 for item in items if item[5] is not None}
    targets.update(entry.target for entry in _parse_exception_table(code))
    labels = {offset: number for number, offset in enumerate(sorted(targets), 1)}
    positions = [Positions(*p) for p in code.co_positions()]
    start = positions[0] if positions else Positions()
    last = start.lineno
    yield Instruction("RESUME", opmap["RESUME"], 0, 0, "0", 0, 0, last is not None, last, None, start, None)
    for word, opcode, arg, argval, argrepr, target, size in items:
        offset = 2 * word + 2
        position = positions[word + 1] if word + 1 < len(positions) else Positions()
        line = position.lineno
        starts_line = line is not None and line != last
        if line is not None:
            last = line
        if target is not None:
            argval = 2 * target + 2
            argrepr = argrepr.replace(f"L{target}", f"L{labels[argval]}")
        cache = [("cache", size - 1, b"\0" * 8 * (size - 1))] if size > 1 else None
        yield Instruction(opname[opcode], opcode, arg, argval, argrepr, offset, offset, starts_line, line,
                          labels.get(offset), position, cache)


def _get_code_object(x):
    """Helper to handle methods, compiled or raw code objects, and strings."""
    if hasattr(x, "__func__"):
        x = x.__func__
    if hasattr(x, "__code__"):
        x = x.__code__
    elif hasattr(x, "gi_code"):
        x = x.gi_code
    elif hasattr(x, "ag_code"):
        x = x.ag_code
    elif hasattr(x, "cr_code"):
        x = x.cr_code
    if isinstance(x, str):
        x = _try_compile(x, "<disassembly>")
    if hasattr(x, "co_code"):
        return x
    raise TypeError("don't know how to disassemble %s objects" % type(x).__name__)


def _try_compile(source, name):
    """Compiles an expression, or else statements."""
    try:
        return compile(source, name, "eval")
    except SyntaxError:
        return compile(source, name, "exec")


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """Iterator for the opcodes in methods, functions or code

    Generates a series of Instruction named tuples giving the details of
    each operations in the supplied code.

    If *first_line* is not None, it indicates the line number that should
    be reported for the first source line in the disassembled code.
    Otherwise, the source line information (if any) is taken directly from
    the disassembled code object.
    """
    code = _get_code_object(x)
    shift = 0 if first_line is None else first_line - code.co_firstlineno
    for instruction in _instructions(code):
        if shift and instruction.line_number is not None:
            instruction = instruction._replace(line_number=instruction.line_number + shift)
        yield instruction


def _write_instruction(instruction, output, line_width=3, show_offsets=False, offset_width=4, mark=False,
                       show_positions=False):
    fields = []
    if show_positions:
        p = instruction.positions or Positions()
        text = "%s:%s-%s:%s" % tuple("?" if v is None else v for v in (
            p.lineno, p.col_offset, p.end_lineno, p.end_col_offset))
        fields.append(text.ljust(line_width) if instruction.starts_line or text else " " * line_width)
    elif line_width:
        text = ""
        if instruction.starts_line:
            text = str(instruction.line_number)
        elif instruction.line_number is None:
            text = "--"
        fields.append(text.rjust(line_width))
    label = "" if instruction.label is None else f"L{instruction.label}:"
    fields.append(label.rjust(5))
    fields.append("-->" if mark else "   ")
    if show_offsets:
        fields.append(str(instruction.offset).rjust(offset_width))
    fields.append(instruction.opname.ljust(20))
    fields.append(instruction.argrepr)
    print(" ".join(fields).rstrip(), file=output)


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False, show_offsets=False,
        show_positions=False):
    """Disassemble classes, methods, functions, and other compiled objects.

    With no argument, disassemble the last traceback.

    Compiled objects currently include generator objects, async generator
    objects, and coroutine objects, all of which store their code object
    in a special attribute.
    """
    options = dict(file=file, show_offsets=show_offsets, show_positions=show_positions)
    if x is None:
        distb(**options)
        return
    if hasattr(x, "__func__"):
        x = x.__func__
    for name in ("__code__", "gi_code", "ag_code", "cr_code"):
        if hasattr(x, name):
            x = getattr(x, name)
            break
    if hasattr(x, "__dict__"):
        for name, value in sorted(x.__dict__.items()):
            if isinstance(value, _have_code):
                print("Disassembly of %s:" % name, file=file)
                try:
                    dis(value, depth=depth, **options)
                except TypeError as error:
                    print("Sorry:", error, file=file)
                print(file=file)
    elif hasattr(x, "co_code"):
        _disassemble_recursive(x, depth=depth, **options)
    elif isinstance(x, str):
        _disassemble_recursive(_try_compile(x, "<dis>"), depth=depth, **options)
    else:
        raise TypeError("don't know how to disassemble %s objects" % type(x).__name__)


def distb(tb=None, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble a traceback (default: last traceback)."""
    if tb is None:
        try:
            if hasattr(sys, "last_exc"):
                tb = sys.last_exc.__traceback__
            else:
                tb = sys.last_traceback
        except AttributeError:
            raise RuntimeError("no last traceback to disassemble") from None
        while tb.tb_next:
            tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file, show_offsets=show_offsets,
                show_positions=show_positions)


def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False, show_offsets=False,
                show_positions=False):
    """Disassemble a code object."""
    _disassemble(get_instructions(co), co, lasti, file, show_offsets, show_positions)


disco = disassemble


def _disassemble(instructions, co, lasti, file, show_offsets, show_positions=False):
    instructions = list(instructions)
    lines = [i.line_number for i in instructions if i.line_number is not None]
    width = max(3, len(str(max(lines, default=0))))
    if show_positions:
        width = 16
    for number, instruction in enumerate(instructions):
        if instruction.starts_line and number and not show_positions:
            print(file=file)
        mark = instruction.offset <= lasti < instruction.end_offset
        _write_instruction(instruction, file, width, show_offsets, len(str(instructions[-1].offset)), mark,
                           show_positions)
    entries = _parse_exception_table(co)
    if entries:
        labels = {i.offset: i.label for i in instructions}
        names = {number: name for number, name in enumerate(co.co_varnames)}
        print("ExceptionTable:", file=file)
        for entry in entries:
            register = names.get(entry.depth, "")
            register = f"r{entry.depth}" + (f" ({register})" if register else "")
            print(f"  {entry.start} to {entry.end} -> L{labels.get(entry.target)} [{register}]", file=file)


def _disassemble_recursive(co, *, file=None, depth=None, show_offsets=False, show_positions=False):
    disassemble(co, file=file, show_offsets=show_offsets, show_positions=show_positions)
    if depth is None or depth > 0:
        if depth is not None:
            depth = depth - 1
        for x in co.co_consts:
            if hasattr(x, "co_code"):
                print(file=file)
                print("Disassembly of %r:" % (x,), file=file)
                _disassemble_recursive(x, file=file, depth=depth, show_offsets=show_offsets,
                                       show_positions=show_positions)


def findlabels(code):
    """Detect all offsets in a code object which are jump targets.

    Return the list of offsets.
    """
    found = []
    for instruction in _instructions(_get_code_object(code)):
        if instruction.opcode in _jumps and instruction.argval not in found:
            found.append(instruction.argval)
    return found


def findlinestarts(code):
    """Find the offsets in a byte code which are start of lines in the source.

    Generate pairs (offset, lineno)
    lineno will be an integer or None the offset does not have a source line.
    """
    last = False
    for start, _, line in code.co_lines():
        if line is not last:
            last = line
            yield start, line


def code_info(x):
    """Formatted details of methods, functions, or code."""
    return _format_code_info(_get_code_object(x))


def _format_code_info(co):
    lines = ["Name:              %s" % co.co_name,
             "Filename:          %s" % co.co_filename,
             "Argument count:    %s" % co.co_argcount,
             "Positional-only arguments: %s" % co.co_posonlyargcount,
             "Kw-only arguments: %s" % co.co_kwonlyargcount,
             "Number of locals:  %s" % co.co_nlocals,
             "Stack size:        %s" % co.co_stacksize,
             "Flags:             %s" % pretty_flags(co.co_flags)]
    for title, values, show in (("Constants:", co.co_consts, repr), ("Names:", co.co_names, str),
                                ("Variable names:", co.co_varnames, str), ("Free variables:", co.co_freevars, str),
                                ("Cell variables:", co.co_cellvars, str)):
        if values:
            lines.append(title)
            lines.extend("%4d: %s" % (number, show(value)) for number, value in enumerate(values))
    return "\n".join(lines)


def show_code(co, *, file=None):
    """Print details of methods, functions, or code to *file*.

    If *file* is not provided, the output is printed on stdout.
    """
    print(code_info(co), file=file)


def _find_imports(co):
    """Yields (name, level, fromlist) of the imports in the code."""
    ints = {}
    for instruction in _instructions(co):
        register = instruction.arg & 0xffff
        if instruction.opname == "LOAD_SMALL_INT" or instruction.opname == "LOAD_CONST":
            ints[register] = instruction.argval
        elif instruction.opname == "IMPORT_NAME":
            first = instruction.arg >> 16 & 0xffff
            yield instruction.argval, ints.get(first), ints.get(first + 1)


def _find_store_names(co):
    """Yields the names of the variables that the code stores into its namespace."""
    stores = {"STORE_NAME", "STORE_GLOBAL"}
    seen = set()
    for instruction in _instructions(co):
        if instruction.opname in stores and instruction.argval not in seen:
            seen.add(instruction.argval)
            yield instruction.argval


class Bytecode:
    """The bytecode operations of a piece of code

    Instantiate this with a function, method, other compiled object, string of
    code, or a code object (as returned by compile()).

    Iterating over this yields the bytecode operations as Instruction instances.
    """

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False, adaptive=False,
                 show_offsets=False, show_positions=False):
        self.codeobj = co = _get_code_object(x)
        self.first_line = co.co_firstlineno if first_line is None else first_line
        self._original_object = x
        self.current_offset = current_offset
        self.show_caches = show_caches
        self.adaptive = adaptive
        self.show_offsets = show_offsets
        self.show_positions = show_positions
        self.exception_entries = _parse_exception_table(co)

    def __iter__(self):
        return get_instructions(self.codeobj, first_line=self.first_line)

    def __repr__(self):
        return "{}({!r})".format(self.__class__.__name__, self._original_object)

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """ Construct a Bytecode from the given traceback """
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti, show_caches=show_caches, adaptive=adaptive)

    def info(self):
        """Return formatted information about the code object."""
        return _format_code_info(self.codeobj)

    def dis(self):
        """Return a formatted view of the bytecode operations."""
        offset = -1 if self.current_offset is None else self.current_offset
        with io.StringIO() as output:
            _disassemble(iter(self), self.codeobj, offset, output, self.show_offsets, self.show_positions)
            return output.getvalue()


def main(args=None):
    import argparse

    parser = argparse.ArgumentParser(color=True)
    parser.add_argument("-C", "--show-caches", action="store_true", help="show inline caches")
    parser.add_argument("-O", "--show-offsets", action="store_true", help="show instruction offsets")
    parser.add_argument("-P", "--show-positions", action="store_true", help="show instruction positions")
    parser.add_argument("-S", "--specialized", action="store_true", help="show specialized bytecode")
    parser.add_argument("infile", nargs="?", default="-")
    args = parser.parse_args(args=args)
    if args.infile == "-":
        name = "<stdin>"
        source = sys.stdin.buffer.read()
    else:
        name = args.infile
        with open(args.infile, "rb") as infile:
            source = infile.read()
    dis(compile(source, name, "exec"), show_offsets=args.show_offsets, show_positions=args.show_positions)


if __name__ == "__main__":
    main()
