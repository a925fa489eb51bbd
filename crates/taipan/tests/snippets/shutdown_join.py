"""Joining a thread when the interpreter ends, and an empty module under a tracer."""
import subprocess
import sys

code = """
import gc, threading
gc.disable()

class Cycle:
    def __init__(self):
        self.me = self
        self.thread = threading.Thread(target=self.run, args=(threading.Event(),), daemon=True)
        self.thread.start()

    @staticmethod
    def run(event):
        event.wait()

    def __del__(self):
        try:
            self.thread.join(%s)
        except PythonFinalizationError as e:
            print(e)

Cycle()
"""
for timeout in "", "5":
    print(subprocess.run([sys.executable, "-c", code % timeout], capture_output=True, text=True, timeout=60).stdout, end="")

events = []


def tracer(frame, event, arg):
    if frame.f_code.co_filename == "<empty>":
        events.append(event)
    return tracer


for source in "", "\n\n", "# comment\n":
    code = compile(source, "<empty>", "exec")
    sys.settrace(tracer)
    exec(code)
    sys.settrace(None)
print(events)
