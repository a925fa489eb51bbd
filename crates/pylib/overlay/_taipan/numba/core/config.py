"""Settings. Those that choose between compilers, caches and thread pools are accepted and change nothing."""

import os as _os


def _setting(name, default):
    text = _os.environ.get("NUMBA_" + name)
    if text is None:
        return default
    try:
        return type(default)(text) if default is not None else text
    except ValueError:
        import warnings
        warnings.warn(f"NUMBA_{name} has a value that is not understood: {text!r}", RuntimeWarning, stacklevel=3)
        return default


# With this, `jit` gives back the function that it is given.
DISABLE_JIT = _setting("DISABLE_JIT", 0)

ALWAYS_WARN_UNINIT_VAR = 0
BOUNDSCHECK = None
CACHE_DIR = _setting("CACHE_DIR", "")
CAPTURED_ERRORS = "new_style"
CPU_FEATURES = None
CPU_NAME = None
DEBUG = 0
DEBUG_JIT = 0
DEBUGINFO_DEFAULT = 0
DEVELOPER_MODE = 0
DISABLE_PERFORMANCE_WARNINGS = 0
DUMP_ASSEMBLY = 0
DUMP_BYTECODE = 0
DUMP_CFG = 0
DUMP_IR = 0
DUMP_LLVM = 0
DUMP_OPTIMIZED = 0
ENABLE_AVX = True
ENABLE_CUDASIM = 0
ENABLE_PROFILING = 0
FULL_TRACEBACKS = 0
HIGHLIGHT_DUMPS = "no_color"
LOOP_VECTORIZE = 0
NUMBA_DEFAULT_NUM_THREADS = _os.cpu_count() or 1
NUMBA_NUM_THREADS = _setting("NUM_THREADS", NUMBA_DEFAULT_NUM_THREADS)
OPT = 3
PARALLEL_DIAGNOSTICS = 0
SHOW_HELP = 0
SLP_VECTORIZE = 0
THREADING_LAYER = _setting("THREADING_LAYER", "default")
THREADING_LAYER_PRIORITY = ["tbb", "omp", "workqueue"]
USE_RVSDG = 0
WARNINGS = 0


def reload_config():
    """Read the environment again."""
    global DISABLE_JIT
    DISABLE_JIT = _setting("DISABLE_JIT", 0)
