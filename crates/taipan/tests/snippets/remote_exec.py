# sys.remote_exec (PEP 768): scripts sent to this process and to another one.
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as directory:
    script = os.path.join(directory, "script.py")
    with open(script, "w") as f:
        f.write("import sys\nprint('sent', __name__, len(sys.argv), flush=True)\n")
    sys.remote_exec(os.getpid(), script)

    child = "import os, sys\nos.write(1, b'ready\\n')\nsys.stdin.readline()\nfor i in range(1000): pass\nprint('end', flush=True)"

    def run(*options):
        command = [sys.executable, *options, "-c", child]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            print(process.stdout.readline().strip())
            try:
                sys.remote_exec(process.pid, script)
            except RuntimeError as e:
                print(e)
            out, _ = process.communicate("\n")
            print(out.split("\n"), process.returncode)

    run()
    run("-X", "disable-remote-debug")
    for pid, path in [(os.getpid(), directory + "/none"), (os.getpid(), 5)]:
        try:
            sys.remote_exec(pid, path)
        except (OSError, TypeError) as e:
            print(e)
