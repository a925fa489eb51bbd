"""_datetime: arithmetic, comparison, texts, zones, pickles, errors."""
import pickle
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo


def show(text):
    try:
        print(text, "->", eval(text))
    except Exception as e:
        print(text, "!!", type(e).__name__, e)


class Zone(tzinfo):
    def utcoffset(self, dt):
        return timedelta(hours=2)

    def dst(self, dt):
        return timedelta(0)

    def tzname(self, dt):
        return "ZONE"


class Day(date):
    pass


for text in (
    "date(2024, 2, 29) + timedelta(366)",
    "date.max + timedelta(1)",
    "date(2023, 2, 29)",
    "date(2024, 2, 29) - date(2000, 1, 1)",
    "date(2024, 2, 29) < datetime(2024, 2, 29)",
    "repr(Day(2024, 1, 1) + timedelta(1))",
    "date(2024, 12, 30).isocalendar()",
    "date.fromisocalendar(2020, 53, 7)",
    "date.fromisoformat('2020-W53-7')",
    "date('2024')",
    "timedelta(days=1.5, microseconds=0.5) * 0.3",
    "timedelta(5) / 7, timedelta(5) // timedelta(2), divmod(timedelta(5), timedelta(2))",
    "timedelta(10**9)",
    "str(timedelta(-1, 5, 7))",
    "datetime(2020, 1, 1, tzinfo=UTC) - datetime(2020, 1, 1, 2, tzinfo=Zone())",
    "datetime(2020, 1, 1) < datetime(2020, 1, 1, tzinfo=UTC)",
    "datetime(2020, 1, 1, 2, tzinfo=Zone()).astimezone(UTC)",
    "hash(datetime(2020, 1, 1, tzinfo=UTC)) == hash(datetime(2020, 1, 1, 2, tzinfo=Zone()))",
    "datetime.fromisoformat('20200101T101010,123456789+01:30:10.5')",
    "datetime.fromisoformat('2020-01-01T24:00')",
    "datetime.fromisoformat('2020-01-01T25:00')",
    "datetime.fromtimestamp(1.5, UTC).timestamp()",
    "datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=Zone()).strftime('%Y-%m-%d %f %z %Z %:z %% %j')",
    "datetime.strptime('2020-01-02 03:04:05.678 +0130', '%Y-%m-%d %H:%M:%S.%f %z')",
    "datetime(2020, 1, 1).isoformat(' ', 'milliseconds')",
    "datetime.combine(date(2020, 1, 1), time(1, fold=1))",
    "time(1, 2, tzinfo=Zone()).utcoffset(), time.fromisoformat('T10:20Z')",
    "time(24)",
    "timezone(timedelta(hours=24))",
    "timezone(timedelta(seconds=-1)), repr(timezone.utc)",
    "[pickle.loads(pickle.dumps(v, p)) == v for p in range(6) for v in (date.max, time(1, tzinfo=UTC), datetime.min)]",
):
    show(text)
