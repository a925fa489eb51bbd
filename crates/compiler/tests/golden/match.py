def f(v):
    match v:
        case {"a": [1, *r], **kw} if r: return r
        case P(x=0) | [P(), *_]: pass
        case (1 | 2) as n: return n
