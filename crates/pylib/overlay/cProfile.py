"""Python interface for the 'lsprof' profiler.

Compatible with the 'profile' module.
"""

__all__ = ["run", "runctx", "Profile"]

import _lsprof
import os.path
import types


def run(statement, filename=None, sort=-1):
    """Profile a statement, as profile.run does."""
    import profile
    return profile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    """Profile a statement in the given namespaces, as profile.runctx does."""
    import profile
    return profile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    Builds a profiler object using the specified timer function.
    The default timer is a fast built-in one based on real time.
    For custom timer functions returning integers, timeunit can
    be a float specifying a scale (i.e. how long each integer unit
    is, in seconds).
    """

    def print_stats(self, sort=-1):
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        import marshal
        with open(file, "wb") as f:
            self.create_stats()
            marshal.dump(self.stats, f)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Turn the profiler's entries into the dictionary that pstats reads."""
        entries = self.getstats()
        callers = {}
        self.stats = {}
        for entry in entries:
            where = callers.setdefault(label(entry.code), {})
            calls = entry.callcount
            self.stats[label(entry.code)] = (
                calls - entry.reccallcount, calls, entry.inlinetime, entry.totaltime, where)
        for entry in entries:
            caller = label(entry.code)
            for callee in entry.calls or ():
                where = callers.get(label(callee.code))
                if where is None:
                    continue
                primitive, calls = callee.callcount - callee.reccallcount, callee.callcount
                inline, total = callee.inlinetime, callee.totaltime
                if caller in where:
                    c, p, i, t = where[caller]
                    primitive, calls, inline, total = primitive + p, calls + c, inline + i, total + t
                # The order that pstats has for callers, which is not that of the functions.
                where[caller] = (calls, primitive, inline, total)

    def run(self, cmd):
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(self, func, /, *args, **kw):
        """Profile a single function call."""
        self.enable()
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def label(code):
    """What names a code object, or a built-in function, in the statistics."""
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def main():
    import io
    import sys
    import runpy
    import pstats
    from optparse import OptionParser
    usage = "cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ..."
    parser = OptionParser(usage=usage)
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile",
                      help="Save stats to <outfile>", default=None)
    parser.add_option("-s", "--sort", dest="sort",
                      help="Sort order when printing to stdout, based on pstats.Stats class",
                      default=2,
                      choices=sorted(pstats.Stats.sort_arg_dict_default))
    parser.add_option("-m", dest="module", action="store_true",
                      help="Profile a library module", default=False)
    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)

    options, args = parser.parse_args()
    sys.argv[:] = args
    # The script may change its directory.
    if options.outfile is not None:
        options.outfile = os.path.abspath(options.outfile)
    if not args:
        parser.print_usage()
        return parser

    if options.module:
        code = "run_module(modname, run_name='__main__')"
        globs = {"run_module": runpy.run_module, "modname": args[0]}
    else:
        script = args[0]
        sys.path.insert(0, os.path.dirname(script))
        with io.open_code(script) as f:
            code = compile(f.read(), script, "exec")
        import importlib.machinery
        spec = importlib.machinery.ModuleSpec(name="__main__", loader=None, origin=script)
        module = types.ModuleType("__main__")
        # A script that pickles its own classes needs to be found as __main__.
        sys.modules["__main__"] = module
        globs = module.__dict__
        globs.update({
            "__spec__": spec,
            "__file__": spec.origin,
            "__name__": spec.name,
            "__package__": None,
            "__cached__": None,
        })
    try:
        runctx(code, globs, None, options.outfile, options.sort)
    except BrokenPipeError as error:
        # Nobody reads the rest.
        sys.stdout = None
        sys.exit(error.errno)
    return parser


if __name__ == "__main__":
    main()
