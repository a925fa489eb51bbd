import random, math
r=random.Random(5)
class F(float): pass
def check(l, *s):
    try: a = sum(l, *s)
    except Exception as e: a = (type(e).__name__, str(e))
    try: b = sum(iter(l), *s)
    except Exception as e: b = (type(e).__name__, str(e))
    assert repr(a) == repr(b) and type(a) is type(b), (l, s, a, b)
pool=[1,2,-3,True,0.5,-0.0,1e16,1.0,-1e16,1<<61,-(1<<61),1<<70,2j,float('inf'),"x",F(1.5),None,[1]]
for n in range(2000):
    k=r.randrange(6); base=r.choice([pool[:3],pool[4:9],pool[:9],pool])
    l=[r.choice(base) for _ in range(k)]
    for s in ((),(0,),(0.0,),(1<<62,),(1j,),("",),([],)):
        check(l,*s); check(tuple(l),*s)
d=[0.1]*10; check(d); check(d,1); check(d,0.5); check([])
print("ok", max([3,1<<70,2.5]), min((3,-1)), max([True,1]), min([2,"a"][:1]))
