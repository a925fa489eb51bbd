"""Normalises dates written in many time zones and formats.

    time_zones.py generate FILE [LINES]     writes dates (40,000 lines)
    time_zones.py FILE                      normalises them to UTC and prints figures
"""
import random
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia",
         "America/Sao_Paulo", "Africa/Cairo", "Asia/Tokyo", "UTC"]


def generate(path, lines=40_000):
    rng = random.Random(11)
    start = datetime(2001, 1, 1, tzinfo=timezone.utc)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(lines):
            moment = start + timedelta(seconds=rng.randrange(25 * 365 * 86400), microseconds=rng.randrange(10**6))
            kind = rng.randrange(4)
            if kind == 0:
                zone = ZoneInfo(rng.choice(ZONES))
                local = moment.astimezone(zone)
                file.write(f"zone {zone.key} {local.replace(tzinfo=None).isoformat()} {local.fold}\n")
            elif kind == 1:
                offset = timezone(timedelta(minutes=rng.randrange(-56, 57) * 15))
                file.write(f"iso {moment.astimezone(offset).isoformat()}\n")
            elif kind == 2:
                file.write(f"mail {moment.astimezone(timezone(timedelta(hours=rng.randrange(-12, 15)))):%a, %d %b %Y %H:%M:%S %z}\n")
            else:
                file.write(f"unix {moment.timestamp():.6f}\n")


def parse(line):
    kind, rest = line.split(" ", 1)
    if kind == "zone":
        key, text, fold = rest.split()
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(key), fold=int(fold))
    if kind == "iso":
        return datetime.fromisoformat(rest)
    if kind == "mail":
        return datetime.strptime(rest, "%a, %d %b %Y %H:%M:%S %z")
    return datetime.fromtimestamp(float(rest), timezone.utc)


def main(argv):
    if argv[:1] == ["generate"]:
        return generate(argv[1], *map(int, argv[2:3]))
    moments = []
    with open(argv[0], encoding="ascii") as file:
        for line in file:
            moments.append(parse(line.rstrip("\n")).astimezone(timezone.utc))
    moments.sort()
    print(len(moments), moments[0].isoformat(), moments[-1].isoformat())
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    print("longest gap", max(gaps), "mean", sum(gaps, timedelta()) / len(gaps))
    for (year, quarter), count in sorted(Counter((m.year, (m.month + 2) // 3) for m in moments).items())[:8]:
        print(f"{year}-Q{quarter} {count}")
    weekdays = Counter(m.strftime("%A") for m in moments)
    print(sorted(weekdays.items()))
    berlin = ZoneInfo("Europe/Berlin")
    print(Counter(m.astimezone(berlin).dst() for m in moments))
    for moment in moments[:: len(moments) // 5]:
        print(moment, moment.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(timespec="milliseconds"))


main(sys.argv[1:])
