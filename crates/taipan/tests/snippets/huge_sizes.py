"""Sizes beyond any memory: MemoryError or OverflowError, not the end of the process."""
import array
import io
import itertools
import os
import random
import socket
import struct

N = 2**60
CALLS = """
format(1, f'{N},d')   format(1.5, f'{N},f')   format(1j, str(N))   format('x', str(N))
'%0*d' % (N, 5)   '%*s' % (N, 5)   b'%0*d' % (N, 5)   'x'.ljust(N)   b'x'.center(N)   'x'.zfill(N)   'x' * N   b'x' * N   [1] * N   (1,) * N
bytes(N)   bytearray(N)   (b'x'*10**6).join([b'']*10**12)(1).to_bytes(N)   array.array('b', [1]) * N
open('/dev/zero', 'rb').read(N)   os.urandom(N)   random.randbytes(N)   random.getrandbits(N)   struct.pack(f'{N}s', b'')
itertools.tee([], N)   socket.socket().recv(N)   io.BytesIO().truncate(N) and None
"""
for line in CALLS.strip().split("\n"):
    for call in line.split("   "):
        try:
            eval(call)
            print(call, "fine")
        except (MemoryError, OverflowError) as error:
            print(call, type(error).__name__)
