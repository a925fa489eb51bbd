# ssl: contexts, sockets, memory BIOs, asyncio and https over the loopback, with a certificate made for this file.
import asyncio, os, pathlib, socket, ssl, tempfile, threading
CERT = """\
-----BEGIN CERTIFICATE-----
MIIB5DCCAYugAwIBAgIUFjfmTlaUI1ND/rEeZvA5eyb7K+YwCgYIKoZIzj0EAwIw
MTELMAkGA1UEBhMCREUxDjAMBgNVBAoMBVRlc3RzMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjYxMTMwMDI0ODQ1WhgPMjEyNjExMDYwMjQ4NDVaMDExCzAJBgNVBAYT
AkRFMQ4wDAYDVQQKDAVUZXN0czESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEABknluZDO4I3TLTsH2iFp51A8uNKTmCk5QmbQmF3
vkzzO7BQ0kBGh5AhHwqtt62fgsbyJhID8pnakng7kyqIaKN/MH0wHQYDVR0OBBYE
FOKoUB3MWGjSGNYj6u9+/Skz0/f2MB8GA1UdIwQYMBaAFOKoUB3MWGjSGNYj6u9+
/Skz0/f2MA8GA1UdEwEB/wQFMAMBAf8wKgYDVR0RBCMwIYIJbG9jYWxob3N0gg4q
LmV4YW1wbGUudGVzdIcEfwAAATAKBggqhkjOPQQDAgNHADBEAiBGJOaysDyFkE+P
CKwkhUY8mmOF31TJ+8pQp7fzsD2pJwIgbHqVQuY2xRsNzFSi5skUOFhfYjTaRvZO
yOMwFQm6FqQ=
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBcTZMG1zYjeLXOhK
pMjZKvgD1xlybVma1+1FIszPlPShRANCAAQAGSeW5kM7gjdMtOwfaIWnnUDy40pO
YKTlCZtCYXe+TPM7sFDSQEaHkCEfCq23rZ+CxvImEgPymdqSeDuTKoho
-----END PRIVATE KEY-----
"""
d = tempfile.TemporaryDirectory(); crt, key = os.path.join(d.name, "crt"), os.path.join(d.name, "key"); pathlib.Path(crt).write_text(CERT); pathlib.Path(key).write_text(KEY)

def attempt(f):
    try: print(f())
    except Exception as e: print(type(e).__name__, str(e).split(" (_ssl")[0].split("[SSL] ")[-1])

server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); server_context.load_cert_chain(crt, key); server_context.set_alpn_protocols(["h2", "http/1.1"])
client_context = ssl.create_default_context(cadata=CERT); client_context.set_alpn_protocols(["http/1.1"])
print(client_context.verify_mode.name, client_context.check_hostname, client_context.cert_store_stats(), client_context.get_ca_certs()[0]["subject"], repr(client_context.protocol))
for f in (lambda: setattr(client_context, "verify_mode", ssl.CERT_NONE), lambda: ssl.SSLContext(77), lambda: client_context.load_verify_locations(), lambda: client_context.load_verify_locations(cadata="junk"), lambda: server_context.load_cert_chain("/no/such/file"), lambda: client_context.set_ciphers("nonsense"), lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())): attempt(f)

def serve(handle, n=1):
    listener = socket.create_server(("127.0.0.1", 0))
    def run():
        for _ in range(n):
            raw = listener.accept()[0]
            try:
                with server_context.wrap_socket(raw, server_side=True) as s: handle(s)
            except ssl.SSLError as e: refused.append(e.reason)
            except OSError: pass
        listener.close()
    thread = threading.Thread(target=run); thread.start(); return listener.getsockname()[1], thread
refused = []
def echo(s):
    while data := s.recv(5000): s.sendall(data[::-1])

port, thread = serve(echo)
with client_context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as c:
    cert = c.getpeercert(); print(c.version(), c.selected_alpn_protocol(), c.cipher()[1:], c.server_side, c.server_hostname)
    print(cert["subject"], cert["issuer"] == cert["subject"], cert["subjectAltName"], cert["version"], len(cert["notAfter"]), sorted(cert))
    print(ssl.DER_cert_to_PEM_cert(c.getpeercert(True)) == CERT)
    c.sendall(b"hello"); print(c.recv(10), c.pending()); big = os.urandom(300_000); sender = threading.Thread(target=c.sendall, args=(big,)); sender.start()
    got = 0
    while got < len(big): got += len(c.recv(65536))
    sender.join(); print(got); c.settimeout(0.05); attempt(lambda: c.recv(1)); c.setblocking(False)
    try: c.recv(1)
    except ssl.SSLWantReadError as e: print(e.errno == ssl.SSL_ERROR_WANT_READ)
thread.join()

for name, context in (("localhost", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), ("wrong.name", client_context), ("10.1.1.1", client_context)):
    port, thread = serve(echo)
    try: context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=name)
    except ssl.SSLCertVerificationError as e: print(e.verify_code, e.verify_message, e.reason, isinstance(e, ValueError), isinstance(e, OSError))
    thread.join(); print(refused.pop())
for name in ("a.example.test", "127.0.0.1"):
    port, thread = serve(lambda s: s.sendall(b"ok"))
    with client_context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=name) as c: print(name, c.recv(5), c.recv(5))
    thread.join()
loose = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); loose.check_hostname = False; loose.verify_mode = ssl.CERT_NONE; loose.maximum_version = ssl.TLSVersion.TLSv1_2
port, thread = serve(echo)
with loose.wrap_socket(socket.create_connection(("127.0.0.1", port))) as c: print(c.version(), c.getpeercert()); c.send(b"12"); print(c.recv(5))
thread.join()

# The server chooses by name.
names = []; server_context.sni_callback = lambda s, name, context: names.append((name, context is server_context))
port, thread = serve(lambda s: s.sendall(b"x"))
with client_context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as c: c.recv(1)
thread.join(); print(names); server_context.sni_callback = None

# Memory BIOs.
into_client, out_of_client = ssl.MemoryBIO(), ssl.MemoryBIO(); into_server, out_of_server = ssl.MemoryBIO(), ssl.MemoryBIO()
client = client_context.wrap_bio(into_client, out_of_client, server_hostname="localhost"); server = server_context.wrap_bio(into_server, out_of_server, server_side=True)
def exchange(): into_server.write(out_of_client.read()); into_client.write(out_of_server.read())
waiting = {client, server}
while waiting:
    for side in list(waiting):
        try: side.do_handshake(); waiting.discard(side)
        except ssl.SSLWantReadError: pass
        exchange()
client.write(b"over memory"); exchange(); buffer = bytearray(20); print(server.read(len(buffer), buffer), bytes(buffer[:11])); attempt(lambda: server.read(1))
try: client.unwrap()
except ssl.SSLWantReadError: print("waits for the peer")
exchange(); print(server.read(5)); server.unwrap(); exchange(); print(client.unwrap())
bio = ssl.MemoryBIO(); bio.write(b"abc"); bio.write_eof(); print(bio.pending, bio.eof, bio.read(2), bio.read(), bio.eof); attempt(lambda: bio.write(b"d"))

async def main():
    async def handle(reader, writer): writer.write((await reader.readline()).upper()); await writer.drain(); writer.close()
    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=server_context)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1], ssl=client_context, server_hostname="localhost")
    writer.write(b"line\n"); print(await reader.readline(), await reader.read()); writer.close(); await writer.wait_closed(); listener.close(); await listener.wait_closed()
asyncio.run(main())

import http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.send_header("Content-Length", "6"); self.end_headers(); self.wfile.write(b"secret")
    def log_message(self, *args): pass
httpd = http.server.HTTPServer(("127.0.0.1", 0), Handler); httpd.socket = server_context.wrap_socket(httpd.socket, server_side=True)
thread = threading.Thread(target=httpd.serve_forever); thread.start(); print(urllib.request.urlopen(f"https://localhost:{httpd.server_port}/", context=client_context).read()); httpd.shutdown(); thread.join(); httpd.server_close()
print(ssl.Purpose.SERVER_AUTH, len(ssl.RAND_bytes(8)), ssl.match_hostname if hasattr(ssl, "match_hostname") else None); d.cleanup()
