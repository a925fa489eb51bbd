# A thread that waits for the end of a connection that nobody refers to any more, while this one waits for that thread.
import socket
import threading


def serve(connection):
    while connection.recv(10):
        pass
    connection.close()
    print("closed")


def connect():
    a, b = socket.socketpair()
    thread = threading.Thread(target=serve, args=(a,))
    thread.start()
    b.sendall(b"x")
    return thread


thread = connect()
thread.join()
print("joined")

# The same shortly after another long wait.
import time

sleeper = threading.Thread(target=time.sleep, args=(0.4,))
sleeper.start()
sleeper.join()
thread = connect()
thread.join()
print("joined")
