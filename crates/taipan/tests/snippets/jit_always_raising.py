"""Calls that are built in place and never return, caught by the caller."""


class Refused(Exception):
    def __init__(self, number):
        self.number = number


def refuse(number):
    raise Refused(number)


def reject(number):
    raise ValueError(number, "rejected")


def count(n):
    refused = numbers = 0
    for i in range(n):
        try:
            refuse(i)
        except Refused as e:
            refused += 1
            numbers += e.number
    return refused, numbers


def count_plain(n):
    texts = 0
    for i in range(n):
        try:
            reject(i)
        except ValueError as e:
            texts += len(e.args[1]) + e.args[0]
        try:
            refuse(i)
        except ValueError:
            texts = 0
        except Refused:
            texts += 1
    return texts


for _ in range(30):
    results = count(300), count_plain(300)
print(*results)
