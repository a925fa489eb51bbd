"""Annotations under `from __future__ import annotations`: the text that ast.unparse would give."""
from __future__ import annotations

import ast


def f(
    a: lambda: None,
    b: lambda x, /, y=1, *rest, k, m=2, **kw: (x, y),
    c: lambda *, k: k,
    d: f"{x=!r}",
    e: f"{x=}{y:>{z}}{{}}" "tail",
    g: (lambda:0)(),
    h: [i for i in range(3) if i if not i],
    j: {k: v for k, v in d.items()},
    k: {s for s, in t},
    l: sum(x for x in y),
    m: (x async for x in y),
    n: t"{x!s:4}",
    o: f"{ {1: 2} }",
    p: x if y else lambda: z,
    q: [*a, *b],
    r: a[b:c, ::d],
    s: not(a) in b,
): ...


for name, text in f.__annotations__.items():
    print(name, text)
    if "lambda*" not in text and text != ast.unparse(ast.parse(text, mode="eval")):
        print("   differs from", ast.unparse(ast.parse(text, mode="eval")))
