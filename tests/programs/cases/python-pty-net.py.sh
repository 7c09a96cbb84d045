# needs: python3
exec python3 - <<'END'
import fcntl, os, pty, socket, struct, sys, termios, threading, time
def status(pid): return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def drain(fd):
    out = b""
    try:
        while data := os.read(fd, 1000): out += data
    except OSError: pass
    return out
pid, fd = pty.fork()
if pid == 0: os.execvp("sh", ["sh", "-c", 'test -t 0 && read x; stty size; echo "got $x"; exit 3'])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0)); os.write(fd, b"typed\n"); print(drain(fd), status(pid))
pid, fd = pty.fork()
if pid == 0: os.execvp("sh", ["sh", "-c", "echo ready; exec sleep 60"])
os.read(fd, 100); os.write(fd, b"\x03"); drain(fd); print(status(pid))
a, b = socket.socketpair(); r, w = os.pipe(); socket.send_fds(a, [b"fd"], [r]); msg, fds, _, _ = socket.recv_fds(b, 10, 1); os.write(w, b"passed"); print(msg, os.read(fds[0], 10))
s = socket.socket(socket.AF_UNIX); s.bind("\0abstract-test"); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect("\0abstract-test"); d, _ = s.accept()
t = threading.Thread(target=lambda: (c.sendall(b"y" * 3000000), c.close())); t.start(); n = 0
while data := d.recv(65536): n += len(data)
t.join(); print(n)
x, y = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); x.send(b"one"); x.send(b"two"); print(y.recv(10), y.recv(10)); y.settimeout(0.05)
try: y.recv(1)
except socket.timeout: print("timeout")
print(struct.unpack("3i", d.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1] == os.getuid())
END
