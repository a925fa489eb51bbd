# -v: the import system reports from its first module on.
import subprocess
import sys

run = subprocess.run([sys.executable, "-v", "-c", "import keyword"], capture_output=True, text=True)
lines = run.stderr.splitlines()
print(run.returncode, repr(run.stdout))
print(any(line.startswith("import '_io' #") for line in lines))
print(any(line.startswith("import 'keyword' #") for line in lines))
