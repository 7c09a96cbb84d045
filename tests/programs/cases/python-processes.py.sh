# needs: python3
# limit: 90
# subprocess, os.fork, multiprocessing with pools, queues, shared memory and locks, concurrent.futures.
cat >main.py <<'END'
import subprocess, os, sys, signal, multiprocessing as mp, concurrent.futures as cf, multiprocessing.shared_memory as shm, time
def square(x): return x * x
def child(q, lock, counter):
    for _ in range(100):
        with lock: counter.value += 1
    q.put(os.getpid() != 0)
def main():
    print(subprocess.run(["echo", "hello"], capture_output=True, text=True))
    print(subprocess.check_output("seq 5 | tac", shell=True).split())
    p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(p.communicate(b"x" * 200000)[0].count(b"x"), p.returncode)
    print(subprocess.run(["sh", "-c", "exit 9"]).returncode, subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
    try: subprocess.run(["sleep", "10"], timeout=0.2)
    except subprocess.TimeoutExpired: print("timed out")
    try: subprocess.run(["/nonexistent"])
    except FileNotFoundError as e: print("not found", e.errno)
    try: subprocess.run(["/etc/passwd"])
    except PermissionError as e: print("denied", e.errno)
    print(subprocess.run(["env"], env={"ONLY": "this"}, capture_output=True).stdout, subprocess.run(["pwd"], cwd="/", capture_output=True).stdout)
    r, w = os.pipe(); pid = os.fork()
    if pid == 0: os.write(w, b"from child"); os._exit(5)
    print(os.read(r, 100), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    pid = os.posix_spawn("/bin/echo", ["echo", "spawned"], {}); os.waitpid(pid, 0)
    procs = [subprocess.Popen(["sh", "-c", f"exit {i}"]) for i in range(20)]; print([p.wait() for p in procs])
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(3) as pool: print(method, pool.map(square, range(10)))
    q, lock, counter = mp.Queue(), mp.Lock(), mp.Value("i", 0)
    ps = [mp.Process(target=child, args=(q, lock, counter)) for _ in range(4)]
    [p.start() for p in ps]; print([q.get() for _ in ps]); [p.join() for p in ps]; print(counter.value, [p.exitcode for p in ps])
    with cf.ProcessPoolExecutor(2) as ex: print(list(ex.map(square, range(8))))
    m = shm.SharedMemory(create=True, size=100); m.buf[0] = 7; n = shm.SharedMemory(m.name); print(n.buf[0]); n.close(); m.close(); m.unlink()
    a, b = mp.Pipe(); pr = mp.Process(target=lambda: None); b.send([1, {"x": 2}]); print(a.recv())
    p = mp.Process(target=time.sleep, args=(60,)); p.start(); p.terminate(); p.join(); print(p.exitcode)
    with mp.Manager() as mgr: d = mgr.dict(); d["k"] = 1; print(dict(d))
    bar = mp.get_context("fork").Barrier(3); ps = [mp.get_context("fork").Process(target=bar.wait) for _ in range(2)]; [p.start() for p in ps]; bar.wait(10); [p.join() for p in ps]; print("barrier")
if __name__ == "__main__": main(); sys.stdout.flush()
END
exec python3 main.py
