# Strs of one code point that compiled code knows as ints.


def scan(text):
    counts = [0] * 12
    i = 0
    while i < len(text):
        ch = text[i]
        if ch == "a":
            counts[0] += 1
        elif ch in " \t\r\n":
            counts[1] += 1
        elif ch in "xyz":
            counts[2] += 1
        elif "0" <= ch <= "9":
            counts[3] += 1
        elif ch != "q" and ch > "\u00e9":
            counts[4] += 1
        if ch == "":
            counts[5] += 1
        if ch != "ab":
            counts[6] += 1
        if ch in "":
            counts[7] += 1
        if ch in "\u20ac\U0001f40d-":
            counts[8] += 1
        if ch == text[i - 1]:
            counts[9] += 1
        counts[10] += ord(ch)
        counts[11] = max(counts[11], ord(text[-1 - i]))
        i += 1
    return counts


def kinds(text):
    found = []
    for ch in text:
        found.append(
            (ch.isdigit(), ch.isalpha(), ch.isalnum(), ch.isspace(), ch.isupper(), ch.islower(), ch.upper(), ch.lower())
        )
    return found


def rot(text, n):
    out = []
    for ch in text:
        if "a" <= ch <= "z":
            out.append(chr((ord(ch) - 97 + n) % 26 + 97))
        else:
            out.append(ch)
    return "".join(out)


def past(text):
    """What an index behind the end says, from inside and outside."""
    seen = []
    for i in range(60):
        try:
            seen.append(text[i])
        except IndexError as e:
            seen.append(str(e))
    return seen[-3:], len(set(seen))


def kept(text):
    last = None
    held = {}
    for ch in text:
        if ch == last:
            held[ch] = held.get(ch, 0) + 1
        last = ch
    return last, sorted(held.items())


def params(words):
    n = 0
    for w in words:
        if w == "a":
            n += 1
        if w != "b":
            n += 10
        if "c" == w:
            n += 100
    return n


def codes(numbers):
    return "".join([chr(i) for i in numbers])


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


ascii_text = "the quick brown fox, 1234567890 aazz\t\r\n" * 20
latin = "h\u00e9llo w\u00f6rld \u00ff\u0080 aa 00" * 20
wide = "\u20acuro \u0416\u0416 a 9" * 20
wider = "snake \U0001f40d\U0001f40d z 5" * 20
for text in (ascii_text, latin, wide, wider, ascii_text[3:] + "x", ""):
    for _ in range(5):
        result = scan(text), rot(text, 3)[:50], kept(text)
    print(result)
for text in (ascii_text, latin, wide, wider, "".join(map(chr, range(128)))):
    for _ in range(5):
        result = kinds(text)
    print(hash(tuple(result)) == hash(tuple(kinds(text))), sum(sum(map(bool, row)) for row in result), result[7][6:])
for _ in range(5):
    print(past("abc" * 15), past("\u20ac" * 59))
grown = ""
for i in range(300):
    grown += chr(97 + i % 26)
for _ in range(5):
    print(scan(grown), kept(grown + "zz"))
words = ["a", "b", "c", "ab", "", "\u00e9", "\u20ac", grown[:1], grown[2:3], "".join(["a"]), "xay"[1]] * 30
for _ in range(4):
    print(params(words))
print(params(words + [Text("x")] * 3), params([1, None, "a"] * 10))
for _ in range(4):
    print(codes(list(range(60, 130)) * 4) == codes(list(range(60, 130))) * 4, codes([0x20AC, 0x1F40D, 65] * 20)[:4])
for bad in (-1, 0x110000, "x"):
    try:
        codes([65] * 50 + [bad])
    except (ValueError, TypeError) as e:
        print(type(e).__name__, e)
print(text[0] is text[0])
