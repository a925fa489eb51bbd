# modes: stress. Decimal arithmetic: rounding, signals, formats, functions, conversions.
from decimal import *
import math, pickle, copy
from fractions import Fraction

D = Decimal
print(D("1.10") + D("2.205"), D(7) / 3, D(-7) // 3, D(-7) % 3, divmod(D("7.5"), D(2)), D("1E+3") - D("0.1"))
for rounding in (ROUND_UP, ROUND_DOWN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_05UP):
    print(rounding, [str(D(x).quantize(D("0.1"), rounding=rounding)) for x in ("1.05", "1.15", "-1.25", "1.01", "-0.04")])
with localcontext(prec=50) as c:
    print(D(2).sqrt(), D(1).exp(), D(10).ln(), D(2).log10(), D(2) ** D("0.5"), D(3) ** -7)
    c.prec = 5
    print(D(1).exp(), D("1234567") + 0, +D("0.000012345678"), c.flags[Rounded], c.flags[Inexact])
for f in (",.2f", "_.3f", "+.1e", "015.2f", "*^20", ".0%", "g", "E", "z.1f", ">12"):
    print(repr(format(D("-1234567.891"), f)), repr(format(D("0.00001"), f)), repr(format(D("NaN12"), f)))
print(D("123.456").as_tuple(), D("-0").is_signed(), D("1E+5").normalize(), D("1200").normalize(), D("12345E-3").to_eng_string())
print(hash(D("0.5")) == hash(0.5), D("0.1") == 0.1, D("0.5") == Fraction(1, 2), D(1) < 1.5, D(3).as_integer_ratio(), D("-2.5").as_integer_ratio())
print(int(D("-3.9")), math.floor(D("-3.1")), math.ceil(D("3.1")), round(D("2.5")), round(D("2.675"), 2), float(D("1e-400")), complex(D(2)))
for operation in ("D(1) / 0", "D(0) / 0", "D('x')", "D('sNaN') + 1", "D(1) + 1.0", "D('Infinity') - D('Infinity')", "int(D('NaN'))",
                  "D('1E+999999') * 10", "D(2) ** D('Infinity')", "D(-8) ** D('0.5')", "D(1).quantize(D('1E-30'))", "Context(prec=0)", "D((2, (1,), 0))"):
    try:
        print(operation, eval(operation))
    except Exception as e:
        print(operation, type(e).__name__, e)
with localcontext(Context(prec=9, Emin=-10, Emax=10, traps=[])) as c:
    print(D("1E-12") / 3, D("1E-30") * 1, D("9E10") * 9, D(1).next_plus(), D(1).next_minus(), D("1E-18").is_subnormal(), c.flags[Underflow], c.flags[Overflow])
    print(c, c.Etiny(), c.Etop())
print(D(1101).logical_and(D(1011)), D(12345).rotate(2), D(12345).shift(-2), D(7).compare_total(D("7.0")), D("1.5").fma(2, 3), D("100").logb(), D(5).scaleb(3))
print(pickle.loads(pickle.dumps(D("1.20"))), copy.deepcopy(D("3.3")), pickle.loads(pickle.dumps(getcontext())).prec, pow(D(7), 100, 13))
x = (D(10) ** 60 + 1) * (D(10) ** 60 - 1)
with localcontext(prec=200):
    a, b = D(3) ** 400, D(7) ** 230
    print((a * b) // b == a.to_integral_value() or (a * b) / b == a, len(str(a)), str(b)[:30], (a / b).adjusted())
print(x, sum([D("0.1")] * 10), max(D(1), D("1.0")), min(D("NaN"), D(1), key=lambda v: v.is_nan()))
class Money(Decimal):
    pass
m = Money("3.50"); m.note = "tip"
print(type(m), type(m + 1), m.note, repr(m), Money.from_float(0.25), type(Money(D(1))).__name__)
