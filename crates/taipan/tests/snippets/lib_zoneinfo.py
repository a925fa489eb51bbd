# Time zones: offsets, folds, gaps, rules, caches.
import _zoneinfo, io, pickle, struct, zoneinfo
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

print(ZoneInfo is _zoneinfo.ZoneInfo, ZoneInfo.__module__)

def tzif(string):
    """A zone file with nothing but a TZ string."""
    body = struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    return io.BytesIO(b"TZif2" + bytes(15) + body + b"TZif2" + bytes(15) + body + b"\n" + string.encode() + b"\n")

z = ZoneInfo.from_file(tzif("CET-1CEST,M3.5.0,M10.5.0/3"), key="Somewhere")
print(z, repr(z), z.key)
for text in ("2024-03-31T01:59:59", "2024-03-31T02:30:00", "2024-03-31T03:00:00", "2024-10-27T02:30:00", "1950-07-01T00:00:00", "2037-12-31T00:00:00"):
    for fold in (0, 1):
        d = datetime.fromisoformat(text).replace(tzinfo=z, fold=fold)
        print(d.isoformat(), fold, d.tzname(), d.dst(), d.astimezone(timezone.utc).isoformat())
for hour in range(0, 3):
    u = datetime(2024, 10, 27, hour, 15, tzinfo=timezone.utc).astimezone(z)
    print(u, u.fold, u.tzname())
print(z.utcoffset(None), ZoneInfo.from_file(tzif("XYZ5")).utcoffset(None), ZoneInfo.from_file(tzif("<-03>3")).tzname(None))
for bad in ("", "A", "AB", "AAA", "AAA25", "AAA4BBB", "AAA4BBB,J0,J3", "AAA4,J1,J3", "AAA4BBB,M13.1.1,M10.1.1", "AAA4BBB,J1"):
    try:
        print(bad, ZoneInfo.from_file(tzif(bad)).utcoffset(datetime(2020, 1, 1)))
    except ValueError as e:
        print(bad, "ValueError", "bytes" if "b'" in str(e) else e)
try:
    pickle.dumps(ZoneInfo.from_file(tzif("XYZ5")))
except pickle.PicklingError as e:
    print(e)
for key in ("No/Such", "../etc/passwd", "/abs"):
    try:
        ZoneInfo(key)
    except Exception as e:
        print(type(e).__name__)
class Sub(ZoneInfo):
    pass
print(Sub._weak_cache is not ZoneInfo.__dict__.get("_weak_cache"), issubclass(Sub, ZoneInfo))
try:
    z.fromutc(datetime(2020, 1, 1))
except ValueError as e:
    print(e)
