"""Texts of all widths through UTF-8 and 16, case mappings, slices, lists; slices of arrays and views; sums; merged dicts."""
import array

texts = ["", "plain", "naïve Straße µ", "żółw GĘŚ ΑΣ Σ ΟΔΟΣ", "日本語テキスト abc", "😀 smile 𝒳 ẞ ŉ ﬁ İ", "a" * 100 + "é" + "b" * 37 + "ż" + "c" * 9 + "😀"]
for t in texts:
    data = t.encode()
    assert data.decode() == t and bytearray(data).decode() == t and str(memoryview(data), "utf-8") == t
    assert t.encode("utf-16").decode("utf-16") == t and t.encode("utf-16-be").decode("utf-16-be") == t
    print(len(data), ascii(t.upper()[:30]), ascii(t.lower()[:30]), ascii(t.title()[:30]), ascii(t.casefold()[:30]), ascii(t.swapcase()[:30]))
    print(ascii(t[::-1][:20]), ascii(t[-2:0:-3][:20]), ascii(t[1::2][:20]), repr(t)[:20], len(list(t)), list(t) == [c for c in t], list(data) == [*data])
for bad in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"abcdefgh\xc3\x28ijk", b"\xf4\x90\x80\x80", "é".encode() * 9 + b"\x80"):
    try:
        bad.decode()
    except UnicodeDecodeError as e:
        print(e)
    print(ascii(bad.decode(errors="replace")))
for lone in ("\ud800", "abcdefghij\udfff", "😀\ud83d"):
    try:
        lone.encode()
    except UnicodeEncodeError as e:
        print(e)
    print(lone.encode(errors="surrogatepass"), lone.encode("utf-16-le", "surrogatepass"))
numbers = array.array("i", range(20))
print(numbers[::-1], numbers[3:15:4], numbers[15:3:-5])
view = memoryview(bytearray(range(20)))
view[2:6] = b"wxyz"
view[10:20:3] = b"1234"
view[::-1][:3] = b"cba"
print(view.tobytes(), view[::2].tobytes(), memoryview(b"abcdef")[::-1].tolist())
print([1, 2.5, None][::-1], [1.5, 2.5][::-1], (1, 2, 3)[::-1], b"abc"[::-1], bytearray(b"abcd")[3:0:-1], [][::-1], [True, False][::-1])
print(sum(b"abc"), sum({1: 2, 3: 4}.values()), sum([2**62, 2**62]), sum([1, 2.5, True]), sum(iter([0.1] * 10)), sum(range(10)))
d = {i: str(i) for i in range(20)}
del d[3]
e = {**d}
e[3] = "new"
print(len(d), list(e)[-1], {**d, 5: "x"}[5], dict(d) == d, dict(e, a=1)["a"], {**{}} == {})
empty = {}
empty.update(d)
empty[100] = 1
print(len(d), len(empty), list(empty) == [*d, 100])
print(b"hello".count(b"l"), b"hello".replace(b"l", b"L"), b"hello".replace(b"l", b"L", 1), b"hello".replace(b"x", b"y"), bytearray(b"aaa").replace(b"a", b"b"))
print(bytes.fromhex("00fFaB 10"), list(map(str, iter("aé日😀"))))
for text in ("0g", "abc", "é0"):
    try:
        bytes.fromhex(text)
    except ValueError as error:
        print(error)


class Items:
    """An iterator whose class changes on the way."""

    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n == 3:
            self.__class__ = Other
        return self.n


class Other(Items):
    def __next__(self):
        raise StopIteration


print(list(Items()), sum(Items()), set(Items()))
big = "é" * 50_000 + "x"
print(len(big.encode()), len((big * 3)[::-1]), hash("".join([big, big])) == hash(big + big), (big + "😀")[-1] == "😀")
