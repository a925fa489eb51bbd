import ast, warnings
for src in ['assert (1, "x")', '1 is 1', '"a"()', '[1]["x"]', '(1)[0]', r'"\d"', 'def f():\n try: pass\n finally: return 1', 'for x in y:\n try: pass\n finally: break', "f'\\d{x}'", '0x1for x in y', '[1,2][1.5]']:
  with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter('always')
    try: t=ast.parse(src)
    except SyntaxError as e: print(src, e); continue
    a=[(str(x.message), x.lineno) for x in w]; del w[:]
    compile(t,'<s>','exec')
    b=[(str(x.message), x.lineno) for x in w]; del w[:]
    compile(src,'<s>','exec')
    c=[(str(x.message), x.lineno) for x in w]; del w[:]
    ast.parse(src, optimize=1)
    d=[(str(x.message), x.lineno) for x in w]; del w[:]
    print(src, a,b,c,d, sep='\n    ')
