# East Asian codecs: tables, pairs, escapes, states, errors, streams.
import codecs, io

text = "日本語 ｶﾅ かな, 한국어 똠, 中文简体繁體, ①"
for name in ("shift_jis", "cp932", "euc_jp", "iso2022_jp", "iso2022_jp_2", "euc_kr", "cp949", "johab", "iso2022_kr", "gb2312", "gbk", "gb18030", "hz", "big5", "cp950", "big5hkscs"):
    data = text.encode(name, "replace")
    print(name, len(data), data[:14], data.decode(name) == text, data.decode(name).count("?"))
print("똠".encode("euc_kr"), "똠".encode("euc_kr").decode("euc_kr"), "か゚".encode("shift_jis_2004"), b"\x82\xf5".decode("shift_jis_2004"), "𠀋€\U0010ffff".encode("gb18030"))
encoder = codecs.getincrementalencoder("euc_jis_2004")()
print(encoder.encode("か"), encoder.encode("゚"), encoder.encode("か", True), encoder.getstate())
encoder = codecs.getincrementalencoder("iso2022_jp")()
print(encoder.encode("あ"), encoder.getstate(), encoder.encode("a"), encoder.encode("", True))
decoder = codecs.getincrementaldecoder("iso2022_jp")()
print([decoder.decode(bytes([b])) for b in b"\x1b$B$\"$\"\x1b(Ba"], decoder.getstate())
for data, name in ((b"\x81", "shift_jis"), (b"a\xff\xffb", "euc_jp"), (b"\x1b$(Zx", "iso2022_jp"), (b"~a", "hz"), (b"\x81\x30\x81", "gb18030"), (b"\xae\xa1", "euc_jisx0213")):
    for errors in ("strict", "ignore", "replace", "backslashreplace"):
        try:
            print(name, errors, repr(data.decode(name, errors)))
        except UnicodeDecodeError as e:
            print(name, e)
for errors in ("strict", "ignore", "replace", "xmlcharrefreplace", "backslashreplace", "nosuch"):
    try:
        print("aก\ud800b".encode("gbk", errors))
    except (UnicodeEncodeError, LookupError) as e:
        print(type(e).__name__, e)
stream = io.BytesIO("一行\n二行\n".encode("big5"))
reader = codecs.getreader("big5")(stream)
print(repr(reader.readline()), reader.readlines())
out = io.BytesIO()
writer = codecs.getwriter("iso2022_kr")(out)
writer.write("한"); writer.writelines(["a", "글"]); writer.reset()
print(out.getvalue())
print(io.TextIOWrapper(io.BytesIO("あ\nい".encode("euc_jp")), encoding="euc_jp").read().split())
