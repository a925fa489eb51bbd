"""_csv: dialects, quoting styles, errors."""
import csv
import io


def read(lines, **options):
    try:
        print(list(csv.reader(lines, **options)))
    except (csv.Error, TypeError, ValueError) as e:
        print(type(e).__name__, e)


def write(row, **options):
    out = io.StringIO()
    try:
        csv.writer(out, **options).writerow(row)
        print(repr(out.getvalue()))
    except (csv.Error, TypeError, ValueError) as e:
        print(type(e).__name__, e)


read(['a,b,"c,d"', '"x""y",,', "", 'é,\u4e2d,"\U0001f600"'])
read(['"a', 'b",c'])
read(["a b  c"], delimiter=" ", skipinitialspace=True)
read(["a,'b,c'"], quotechar="'")
read(["a\\,b,c"], escapechar="\\")
read(['1,"2",x'], quoting=csv.QUOTE_NONNUMERIC)
read(['1,"2",,""'], quoting=csv.QUOTE_STRINGS)
read(['1,"2",,""'], quoting=csv.QUOTE_NOTNULL)
read(['"a"b'], strict=True)
read(['"a'], strict=True)
read(["a\nb"])
read([b"a"])
read(["a"], delimiter="ab")
read(["a"], delimiter="\n")
read(["a"], quoting=9)
read(["a"], nope=1)
read(["a"], quotechar=None, quoting=csv.QUOTE_ALL)
for row in ([1, 2.5, None, "a,b", 'q"'], [], [""], [None], ["a\nb", "c"], 5):
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE, csv.QUOTE_STRINGS):
        write(row, quoting=quoting)
write(['a"'], doublequote=False)
write(['a"'], doublequote=False, escapechar="\\")
write(["a!"], lineterminator="!")
csv.register_dialect("mine", delimiter=";", quoting=csv.QUOTE_ALL)
print("mine" in csv.list_dialects(), csv.get_dialect("mine").delimiter)
write([1, 2], dialect="mine")
csv.unregister_dialect("mine")
write([1, 2], dialect="mine")
old = csv.field_size_limit(5)
read(["abcdef"])
csv.field_size_limit(old)
for lines in ["\\\n", "x"], ["\\\n", "x\n"], ["a\\\n", "b\n", "c"]:
    read(lines, quotechar=None, quoting=csv.QUOTE_NONE, escapechar="\\", strict=True)
read(["a;  b;;\u4e2d;'", "c'"], delimiter=";", quotechar="'", skipinitialspace=True)
reader = csv.DictReader(["a,b", "1,2", "3"])
print([dict(r) for r in reader], reader.line_num)
