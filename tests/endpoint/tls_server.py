"""A server of HTTP/1.1 over TLS by Python's ssl: prints its port, ends when its input does.

GET/POST /seen            what was seen of this connection, as JSON
/large?BYTES              so many bytes
/closed, /cut             a body that ends with the connection: with TLS's close_notify, without
/half                     half of a body with a length, then close_notify
/events?COUNT             an event stream
"""
import hashlib, itertools, json, socket, ssl, sys, threading

options = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(options["cert"], options["key"])
context.set_alpn_protocols(["http/1.1"])
if "most_version" in options:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, options["most_version"])
    context.set_ciphers("ALL:@SECLEVEL=0")
if "client_ca" in options:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(options["client_ca"])
names = {}
context.sni_callback = lambda sock, name, _: names.__setitem__(id(sock), name)
numbers = itertools.count(1)


def plain_end(sock):
    """Closes the socket beneath TLS, which says nothing."""
    raw = socket.socket(fileno=sock.detach())
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()


def serve(raw):
    try:
        sock = context.wrap_socket(raw, server_side=True)
    except (ssl.SSLError, OSError):
        raw.close()
        return
    number, name = next(numbers), names.pop(id(sock), None)
    file = sock.makefile("rb")
    try:
        while line := file.readline():
            path, length = line.split()[1].decode(), 0
            while (header := file.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            sha, left = hashlib.sha256(), length
            while left:
                part = file.read(min(left, 65536))
                sha.update(part)
                left -= len(part)
            path, _, count = path.partition("?")
            if path in ("/closed", "/cut", "/half"):
                size = b"content-length: 10\r\n" if path == "/half" else b""
                sock.sendall(b"HTTP/1.1 200 OK\r\n" + size + b"\r\nhello")
                file.close()
                if path == "/cut":
                    plain_end(sock)
                else:
                    sock.unwrap().close()
                return
            if path == "/events":
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                for i in range(int(count)):
                    event = b"data: %d\n\n" % i
                    sock.sendall(b"%x\r\n%s\r\n" % (len(event), event))
                sock.sendall(b"0\r\n\r\n")
                continue
            body = b"x" * int(count) if path == "/large" else json.dumps({
                "session_reused": sock.session_reused,
                "server_name": name,
                "version": sock.version(),
                "alpn": sock.selected_alpn_protocol(),
                "client": dict(x[0] for x in cert["subject"]).get("commonName")
                if (cert := sock.getpeercert()) else None,
                "connection": number,
                "body_sha256": sha.hexdigest(),
            }).encode()
            sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    except OSError:
        pass
    finally:
        try:
            sock.close()
        except OSError:
            pass


def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=512)
threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
