# pyexpat: events, buffering, namespaces, entities, errors; and what is built on it.
import io, plistlib
from xml.parsers import expat
from xml.etree import ElementTree as ET
from xml.dom import minidom
import xml.sax

DOC = b"""<?xml version="1.0" encoding="iso-8859-1" standalone="no"?>
<!DOCTYPE doc [
<!ELEMENT doc (a|b)*> <!ELEMENT a (#PCDATA)>
<!ATTLIST a kind CDATA "plain" id ID #IMPLIED words NMTOKENS #IMPLIED>
<!ENTITY who "w&#246;rld"> <!ENTITY more "<b>&who;</b>">
<!ENTITY far SYSTEM "far.xml"> <!NOTATION gif PUBLIC "gif viewer"> <!ENTITY pic SYSTEM "p.gif" NDATA gif>
]>
<doc xmlns:x="urn:x"><!-- note --><a id="1" words="  p   q ">h\xe9llo &who;
&more;</a><?do it now?><x:b x:y="&lt;&#65;"/><![CDATA[<raw> ]] ]]><a/>&far;</doc>
"""
def parse(pieces, separator=None, **settings):
    events = []
    parser = expat.ParserCreate(namespace_separator=separator)
    for name, value in settings.items():
        setattr(parser, name, value)
    for name in dir(parser):
        if name.endswith("Handler") and name not in ("DefaultHandler", "DefaultHandlerExpand", "NotStandaloneHandler", "ExternalEntityRefHandler"):
            setattr(parser, name, lambda *args, name=name: events.append((name[:-7], args, parser.CurrentLineNumber)))
    parser.ExternalEntityRefHandler = lambda *args: events.append(("External", args)) or 1
    for i, piece in enumerate(pieces):
        parser.Parse(piece, i == len(pieces) - 1)
    return events
whole = parse([DOC], buffer_text=True)
for event in whole:
    print(event)
bytewise = parse([DOC[i:i + 1] for i in range(len(DOC))] + [b""], buffer_text=False)
same = lambda events: [(e[0], e[1]) for e in events if e[0] != "CharacterData"]
print(same(whole) == same(bytewise), "".join(e[1][0] for e in whole if e[0] == "CharacterData") == "".join(e[1][0] for e in bytewise if e[0] == "CharacterData"))
for event in parse([b'<r xmlns="u" xmlns:p="v"><p:c p:a="1" a="2"/></r>'], " ", ordered_attributes=True, namespace_prefixes=True):
    print(event)
for bad in (b"", b"<a>", b"<a></b>", b"<a/><b/>", b'<a b="1" b="2"/>', b"<a>&x;</a>", b"<a>&#0;</a>", b"<a b=1/>", b"<a", b"<a>]]></a>", b"text", b"<a>\x01</a>",
            b" <?xml version='1.0'?><a/>", b"<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>", b"<a>\n\n  <b>&</b></a>", "<a>é</a>".encode("latin-1"), b"<a><![CDATA[x"):
    try:
        expat.ParserCreate().Parse(bad, True)
        print(bad, "ok")
    except expat.ExpatError as e:
        print(bad, e, e.code, e.lineno, e.offset)
bomb = b"<!DOCTYPE a [<!ENTITY a0 'xxxxxxxxxxxxxxxxxxxx'>" + b"".join(b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 20) for i in range(1, 9)) + b"]><a>&a8;</a>"
try:
    expat.ParserCreate().Parse(bomb, True)
except expat.ExpatError as e:
    print(expat.ErrorString(e.code))
root = ET.fromstring("<r><i n='1'>one</i><i n='2'>two<sub/>tail</i></r>")
print([(e.tag, e.attrib, e.text, e.tail) for e in root.iter()], root.find("i[@n='2']/sub").tail, ET.tostring(root, short_empty_elements=False))
print(minidom.parseString("<a b='1'>t<c/></a>").toxml(), plistlib.loads(plistlib.dumps({"k": [1, 2.5, True, b"x"]})))
class Handler(xml.sax.ContentHandler):
    def startElement(self, name, attrs): print("sax", name, dict(attrs))
xml.sax.parseString(b"<a x='1'><b/></a>", Handler())
for event, element in ET.iterparse(io.BytesIO(b"<a><b>1</b></a>"), ("start", "end")):
    print(event, element.tag)
