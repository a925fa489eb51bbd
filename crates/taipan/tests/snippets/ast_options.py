# ast.parse: type comments, signatures, older versions, optimised trees; barry_as_FLUFL.
import ast

tree = ast.parse(
    """\
def f(a,  # type: int
      *b,  # type: str
      ):
    # type: (...) -> bool
    for x in a:  # type: float
        pass
    with a as b:  # type: C
        y = 1  # type: D
        z = 2  # type: ignore[why]

async def g(): pass  # plain
""",
    type_comments=True,
)
for node in ast.walk(tree):
    if getattr(node, "type_comment", None):
        print(type(node).__name__, node.lineno, node.type_comment)
print([(t.lineno, t.tag) for t in tree.type_ignores])
for source in ("pass  # type: int\n", "def f():  # type: () -> int\n    # type: () -> str\n    pass\n", "def f(*, # type: int\n a): pass\n"):
    ast.parse(source)
    try:
        ast.parse(source, type_comments=True)
    except SyntaxError as e:
        print(e.msg, e.lineno)
print(ast.dump(ast.parse("(int, *List[str], **Any) -> Dict[str, int]", mode="func_type")))
for source, version in (
    ("async def f(): pass", 4), ("a @ b", 4), ("x: int", 5), ("1_0", 5), ("(a := 1)", 7), ("def f(a, /): pass", 7),
    ("match a:\n case 1: pass", 9), ("try: pass\nexcept* E: pass", 10), ("type A = int", 11), ("def f[T](): pass", 11),
    ("class A[T = int]: pass", 12), ("try: pass\nexcept A, B: pass", 13), ("t'x'", 13),
):
    ast.parse(source, feature_version=(3, version + 1))
    try:
        ast.parse(source, feature_version=(3, version))
    except SyntaxError as e:
        print(e.msg)
for source in ("__debug__", "'%s and %-5.2r%%' % (a, b)", "'%d' % (a,)", "match a:\n case -1 | {1+2j: -0.5}: pass", "def f():\n 'doc'"):
    for level in (-1, 1, 2):
        print(level, ast.dump(ast.parse(source, optimize=level).body[0]))
exec("from __future__ import barry_as_FLUFL\nprint(1 <> 2, '<> !=')")
try:
    compile("from __future__ import barry_as_FLUFL; 1 != 2", "<t>", "exec")
except SyntaxError as e:
    print(e.msg, e.offset)
