# Recursion without loops: signals are noticed, and other threads run.
import _thread
import threading
import time


def recur():
    try:
        recur()
    except RecursionError:
        recur()


def interrupt():
    time.sleep(0.2)
    _thread.interrupt_main()


thread = threading.Thread(target=interrupt)
thread.start()
try:
    recur()
except KeyboardInterrupt as e:
    print("interrupted")
thread.join()
