# low: status -6 for 0; stderr: thread 'main' (6755) panicked at crates/jit/src/passes/mod.rs:44:9: after build: b3: v36 uses v20, which does not dominate it thread 'main' (6755) panicked at /
class C1:

    def __init__(self, x):
        self.a0 = x
        self.a2 = x

def f4(i5, i6):
    i6.a1 = min

def f13(i14, i15):
    o16 = C1(i14)
for r in range(45):
    args = [1, (5, C1(3)), 9, 6, C1(3), 4]
    args = args[1]
    v = f4(*args)
for r in range(45):
    v = f13(*args)
