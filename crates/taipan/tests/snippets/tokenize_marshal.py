# Lines and line ends that tokenize gives; code objects that have run, marshalled and replaced.
import io
import marshal
import tokenize

for source in [
    "if 1:\r\n  a\r\n", "b = 1\n\n#end", "a\n ", "1 <> 2\n", "); x\n", 'x = """a\nb"""; y\n', 'f"""a\n{b}\nc"""\n',
    "if 1:\n  a\n\n  b\nc", "(}", "",
]:
    print(repr(source))
    for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline):
        print("   ", tokenize.tok_name[token.type], repr(token.string), token.start, token.end, repr(token.line))


def methods(x):
    return x.upper().lower() + x.strip()


for i in range(3):
    methods("a")
    code = marshal.loads(marshal.dumps(methods.__code__))
    methods.__code__ = code.replace(co_name="other")
print(methods(" B "), methods.__code__.co_name)
