def f(o, items):
    for i in items:
        try:
            with o as q:
                return q
        except (A, B) as e:
            break
        finally:
            o.done(i)
    try: z = 1
    except* E as e: h(e)
