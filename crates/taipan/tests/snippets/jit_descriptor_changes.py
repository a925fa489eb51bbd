"""Attributes that become descriptors, and classes changed behind a foreign MRO, after they were cached."""
import sys
class V:
    def __get__(self,i,o): return 'desc'
class P: pass
class A: x=P()
a=A()
def f(): return a.x
for i in range(2000): f()
P.__get__=lambda s,i,o: 'got'
print(f())
del P.__get__
print(type(f()).__name__)
P.__set__=lambda s,i,v: None
P.__get__=lambda s,i,o: 'data'
a.__dict__['x']=5
print(f())
class Q: pass
class B: y=Q()
b=B()
def g(): return b.y
for i in range(2000): g()
class D:
    def __get__(s,i,o): return 'D'
B.__dict__['y'].__class__=D
print(g())
class Mt(type):
    def mro(cls): return (cls, Other, object) if cls.__name__=='Z' else super().mro()
class Other: v=1
class Z(metaclass=Mt): pass
z=Z()
def h(): return z.v
for i in range(2000): h()
Other.v=2
print(h(), Z.v)
