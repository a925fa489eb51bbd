"""Makes the table of tests/sre_table.rs: python3.14 sre_table.py SEED COUNT > sre_table.txt

With seed 0 the patterns are those of CPython's own table (test.re_tests) too.
"""

import random
import re
import sys
import warnings
from re import _compiler, _parser

warnings.simplefilter('ignore')


def emit(pattern, flags, text, pos=0, endpos=None, mode='search'):
    try:
        tree = _parser.parse(pattern, flags)
        code = [int(c) for c in _compiler._code(tree, flags)]
        compiled = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return
    if endpos is None:
        endpos = len(text)
    # CPython matches some empty patterns behind the end, against its documentation.
    pos = min(pos, endpos)
    found = getattr(compiled, mode)(text, pos, endpos)
    if found is None:
        expected = '-'
    else:
        expected = ' '.join(f'{s} {e}' for s, e in found.regs) + f':{found.lastindex or 0}'
    print(mode, tree.state.groups - 1, ' '.join(map(str, code)), ' '.join(str(ord(c)) for c in text),
          pos, endpos, expected, sep='\t')


def atom(r, depth, groups):
    choice = r.random()
    if choice < 0.45 or depth <= 0:
        return r.choice(['a', 'b', 'c', 'a', 'b', '.', '[ab]', '[^a]', r'\w', r'\W', r'\s', 'é', 'Ā', '\U00010400',
                         r'\n', '[a-cé-ÿ]', r'[^\w]', 'A'])
    if choice < 0.55:
        return r.choice(['^', '$', r'\b', r'\B', r'\A', r'\Z', r'\z'])
    if choice < 0.62 and groups:
        return r'\%d' % r.choice(groups)
    if choice < 0.65 and groups:
        return '(?(%d)%s|%s)' % (r.choice(groups), seq(r, depth - 1, groups), seq(r, depth - 1, groups))
    if choice < 0.80:
        index = groups.count_all = getattr(groups, 'count_all', 0) + 1
        inner = alt(r, depth - 1, groups)
        groups.append(index)
        return f'({inner})'
    kind = r.choice(['(?:', '(?:', '(?:', '(?=', '(?!', '(?>', '(?<=', '(?<!', '(?i:', '(?s:'])
    if kind in ('(?<=', '(?<!'):
        return kind + r.choice(['a', 'ab', '.', '[ab]b', r'(?:a|b)']) + ')'
    return kind + alt(r, depth - 1, groups) + ')'


class Groups(list):
    pass


def piece(r, depth, groups):
    a = atom(r, depth, groups)
    if r.random() < 0.4 and a not in ('^', '$', r'\b', r'\B', r'\A', r'\Z', r'\z'):
        a += r.choice(['*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{2,3}?', '{0,2}', '*+', '++', '?+', '{1,2}+',
                       '{2,}', '{,3}'])
    return a


def seq(r, depth, groups):
    return ''.join(piece(r, depth, groups) for _ in range(r.choice([0, 1, 1, 2, 2, 3])))


def alt(r, depth, groups):
    return '|'.join(seq(r, depth, groups) for _ in range(r.choice([1, 1, 1, 2, 3])))


def main():
    seed, count = (int(a) for a in sys.argv[1:3])
    if seed == 0:
        from test.re_tests import tests
        for test in tests:
            emit(test[0], 0, test[1])
    r = random.Random(seed)
    for _ in range(count):
        pattern = alt(r, 3, Groups())
        flags = r.choice([0, 0, 0, re.I, re.M, re.S, re.A, re.I | re.A])
        alphabet = r.choice(['ab', 'abc', 'abcA \n', 'abé', 'abĀ ', 'ab\U00010400é'])
        text = ''.join(r.choice(alphabet) for _ in range(r.choice([0, 1, 2, 4, 6, 9])))
        pos = r.choice([0, 0, 0, 1, 2])
        endpos = r.choice([None, None, max(0, len(text) - 1)])
        emit(pattern, flags, text, pos, endpos, r.choice(['search', 'search', 'match', 'fullmatch']))


main()
