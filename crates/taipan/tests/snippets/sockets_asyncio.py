"""Sockets, selectors, asyncio over the loopback interface."""
import asyncio
import selectors
import socket

a, b = socket.socketpair()
a.sendall(b"hello")
print(b.recv(100), b.gettimeout(), a.family.name, a.type.name)
b.settimeout(0.01)
try:
    b.recv(1)
except TimeoutError as e:
    print(type(e).__name__, e)
b.setblocking(False)
try:
    b.recv(1)
except BlockingIOError as e:
    print(type(e).__name__)
with selectors.DefaultSelector() as s:
    s.register(b, selectors.EVENT_READ, "data")
    print(s.select(0))
    a.send(b"x")
    print([(key.data, mask) for key, mask in s.select(1)])
buffer = bytearray(4)
print(b.recv_into(buffer), buffer)
a.close()
b.close()
print(a.fileno(), "closed" in repr(a))
for f in (
    lambda: socket.socket(socket.AF_INET).bind(("127.0.0.1", 70000)),
    lambda: socket.socket(socket.AF_INET).connect("x"),
    lambda: socket.inet_aton("nope"),
    lambda: socket.ntohs(-1),
):
    try:
        f()
    except (OSError, TypeError, ValueError, OverflowError) as e:
        print(type(e).__name__, e)
print(socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "::1")), socket.htons(1) in (1, 256))


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for word in (b"one\n", b"two\n"):
        writer.write(word)
        print(await reader.readline())
    writer.close()
    await writer.wait_closed()
    server.close()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.001 * i, i)) for i in range(3)]
    print([t.result() for t in tasks])
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)
    except TimeoutError:
        print("timeout")
    print(await asyncio.to_thread(sum, [1, 2, 3]))


asyncio.run(main())
