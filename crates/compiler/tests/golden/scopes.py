def f(n):
    k = [lambda: i for i in range(n)]
    return [n for n in k if n], (z async for z in n)
class C[T](Base):
    "doc"
    a: int = 3
    def m(self) -> T: return super().m(1), __class__
type A[T] = list[T]
