"""Makes a program smaller while a property of it stays: deletes statements, unwraps blocks, simplifies expressions."""

import ast
import copy
import time

BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def lists(tree):
    """Every list of statements with its owner and the field's name."""
    for node in ast.walk(tree):
        for field in BODIES:
            found = getattr(node, field, None)
            if isinstance(found, list) and found:
                yield node, field


def text(tree):
    """Source, or None if it is no program."""
    try:
        source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        compile(source, "p", "exec")
        return source
    except Exception:
        return None


def deletions(tree):
    """Trees with a chunk of statements deleted, large chunks first."""
    places = list(enumerate(lists(tree)))
    sizes = sorted({len(getattr(o, f)) >> k for _, (o, f) in places for k in range(8)} - {0}, reverse=True)
    for size in sizes:
        for number, (owner, field) in places:
            items = getattr(owner, field)
            for start in range(0, len(items), size):
                if start + size <= len(items):
                    yield number, field, start, size


def delete(tree, number, start, size):
    """The tree without these statements; None if there are none."""
    tree = copy.deepcopy(tree)
    found = list(lists(tree))
    if number >= len(found):
        return None
    owner, field = found[number]
    items = getattr(owner, field)
    if start + size > len(items):
        return None
    del items[start:start + size]
    if not items and field == "body" and not isinstance(owner, ast.Module):
        items.append(ast.Pass())
    return tree


def unwraps(tree):
    """Trees in which a compound statement is replaced by one of its blocks."""
    for number, (owner, field) in enumerate(lists(tree)):
        for i, statement in enumerate(getattr(owner, field)):
            if isinstance(statement, (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match)):
                for inner in ("body", "orelse", "finalbody"):
                    if getattr(statement, inner, None):
                        yield number, i, inner


def unwrap(tree, number, i, inner):
    tree = copy.deepcopy(tree)
    owner, field = list(lists(tree))[number]
    items = getattr(owner, field)
    # The place was found in a larger tree.
    items[i:i + 1] = getattr(items[i], inner, None) or items[i:i + 1]
    return tree


def expressions(tree):
    """(node, field, index) of expressions that may be replaced."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            values = value if isinstance(value, list) else [value]
            for i, v in enumerate(values):
                if isinstance(v, (ast.BinOp, ast.IfExp, ast.Call, ast.BoolOp, ast.Subscript, ast.ListComp, ast.UnaryOp, ast.Compare, ast.NamedExpr,
                                  ast.List, ast.Tuple, ast.JoinedStr)) and not isinstance(getattr(v, "ctx", None), (ast.Store, ast.Del)):
                    yield node, field, i if isinstance(value, list) else None


def replacements(v):
    """Simpler expressions for `v`."""
    for child in ast.iter_child_nodes(v):
        if isinstance(child, ast.expr):
            yield child
    if not isinstance(v, (ast.List, ast.Tuple)):
        yield ast.Constant(1)
    if isinstance(v, (ast.List, ast.Tuple)) and len(v.elts) > 1:
        yield type(v)(v.elts[:1], v.ctx)


def simplify(tree, number, which):
    tree = copy.deepcopy(tree)
    for n, (node, field, i) in enumerate(expressions(tree)):
        if n == number:
            value = getattr(node, field)
            options = list(replacements(value if i is None else value[i]))
            if which >= len(options):
                return None
            if i is None:
                setattr(node, field, options[which])
            else:
                value[i] = options[which]
            return tree
    return None


def shrink(source, holds, seconds):
    """The smallest program found for which `holds(source)`."""
    end = time.monotonic() + seconds
    tree = ast.parse(source)
    best = text(tree)
    if best is None or not holds(best):
        return source

    def attempt(candidate):
        nonlocal tree, best
        if candidate is None:
            return False
        source = text(candidate)
        if source is None or source == best or len(source) > len(best) or not holds(source):
            return False
        tree, best = candidate, source
        return True

    changed = True
    while changed and time.monotonic() < end:
        changed = False
        for number, _, start, size in list(deletions(tree)):
            if time.monotonic() > end:
                return best
            changed |= attempt(delete(tree, number, start, size))
        for number, i, inner in reversed(list(unwraps(tree))):
            if time.monotonic() > end:
                return best
            try:
                changed |= attempt(unwrap(tree, number, i, inner))
            except IndexError:
                pass
        number = 0
        while time.monotonic() < end and number < sum(1 for _ in expressions(tree)):
            if not any(attempt(simplify(tree, number, which)) for which in range(4)):
                number += 1
            else:
                changed = True
    return best
