"""A numeric loop: pi by the Leibniz series, and the sum of the primes below a limit by trial division."""


def leibniz(terms):
    total = 0.0
    sign = 1.0
    for k in range(terms):
        total += sign / (2 * k + 1)
        sign = -sign
    return 4.0 * total


def prime_sum(limit):
    total = 0
    n = 2
    while n < limit:
        d = 2
        while d * d <= n and n % d:
            d += 1
        if d * d > n:
            total += n
        n += 1
    return total


if __name__ == "__main__":
    print(f"pi is about {leibniz(1_000_000):.6f}")
    print("sum of the primes below 20000:", prime_sum(20_000))
