"""A ledger in decimal arithmetic: interest, taxes and balances to the cent.

    ledger.py generate FILE [ROWS]     writes bookings (60,000 rows)
    ledger.py FILE                     books them and prints the balances
"""
import random
import sys
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, Inexact, getcontext, localcontext

CENT = Decimal("0.01")
TAX = {"A": Decimal("0.19"), "B": Decimal("0.07"), "C": Decimal(0)}


def generate(path, rows=60_000):
    rng = random.Random(3)
    with open(path, "w", encoding="ascii") as file:
        for i in range(rows):
            amount = f"{rng.uniform(-900, 1000):.{rng.choice([0, 1, 2, 3])}f}"
            file.write(f"{i} {rng.choice('ABC')} account-{rng.randrange(40):02} {amount} {rng.randrange(1, 400)}\n")


def book(path):
    balances, taxes, interest = {}, {}, {}
    rate = Decimal("0.0325")
    with open(path, encoding="ascii") as file:
        for line in file:
            _, group, account, text, days = line.split()
            gross = Decimal(text)
            net = (gross / (1 + TAX[group])).quantize(CENT, rounding=ROUND_HALF_UP)
            taxes[group] = taxes.get(group, Decimal(0)) + (gross - net)
            balance = balances.get(account, Decimal(0)) + net
            earned = (balance * rate * int(days) / 365).quantize(CENT, rounding=ROUND_HALF_EVEN)
            interest[account] = interest.get(account, Decimal(0)) + earned
            if balance > 100_000:
                balance -= (balance * Decimal("0.001")).quantize(CENT)
            balances[account] = balance
    return balances, taxes, interest


def main(argv):
    if argv[:1] == ["generate"]:
        return generate(argv[1], *map(int, argv[2:3]))
    balances, taxes, interest = book(argv[0])
    for account in sorted(balances):
        print(f"{account} {balances[account]:>16,.2f} {interest[account]:>16,.2f}")
    for group in sorted(taxes):
        print(f"tax {group} {taxes[group]:,}")
    total = sum(balances.values())
    print("total", total, total.as_tuple().exponent, (total / 7).normalize(), hash(total) == hash(total + 0))
    with localcontext() as context:
        context.prec = 50
        growth = (1 + Decimal("0.0325") / 365) ** 365
        print(growth, growth.ln(), total.sqrt())
        context.clear_flags()
        print(total / 3, context.flags[Inexact])
    print(sorted(str(signal.__name__) for signal, set_ in getcontext().flags.items() if set_))


main(sys.argv[1:])
