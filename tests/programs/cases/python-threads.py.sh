# needs: python3
exec python3 - <<'END'
import threading, queue, time, signal, os, select, socket, mmap, ctypes, sched, concurrent.futures as cf
q, out, lock = queue.Queue(), [], threading.Lock()
def work():
    while (i := q.get()) is not None:
        with lock: out.append(i * 2)
ts = [threading.Thread(target=work) for _ in range(10)]; [t.start() for t in ts]; [q.put(i) for i in range(500)]; [q.put(None) for _ in ts]; [t.join() for t in ts]; print(sum(out), len(out))
ev, cond, sem, bar = threading.Event(), threading.Condition(), threading.Semaphore(2), threading.Barrier(3)
threading.Timer(0.05, ev.set).start(); print(ev.wait(10)); ts = [threading.Thread(target=bar.wait) for _ in range(2)]; [t.start() for t in ts]; bar.wait(); [t.join() for t in ts]
loc = threading.local(); loc.x = 1; r = []; t = threading.Thread(target=lambda: r.append(hasattr(loc, "x"))); t.start(); t.join(); print(r, threading.active_count())
with cf.ThreadPoolExecutor(8) as ex: print(sum(ex.map(lambda x: x * x, range(200))), ex.submit(time.sleep, 0.01).result())
print(lock.acquire(timeout=1), lock.acquire(timeout=0.05)); lock.release()
got = []; signal.signal(signal.SIGALRM, lambda s, f: got.append(s)); signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.3); print(got)
signal.signal(signal.SIGUSR1, lambda s, f: got.append(s)); signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1); time.sleep(0.01); print(got[1:], signal.sigtimedwait([signal.SIGUSR2], 0.01))
a, b = socket.socketpair(); s = select.epoll(); s.register(a, select.EPOLLIN); print(s.poll(0)); b.send(b"x"); print([e for _, e in s.poll(1)], a.recv(5))
m = mmap.mmap(-1, 10000); m[:5] = b"hello"; print(m[:5], m.find(b"llo"), len(m)); open("f", "wb").write(b"z" * 5000)
with open("f", "r+b") as f, mmap.mmap(f.fileno(), 0) as mm: mm[0] = 65; mm.flush()
print(open("f", "rb").read(2)); libc = ctypes.CDLL(None); print(libc.abs(-5), libc.strlen(b"abcd"), ctypes.c_int.in_dll(libc, "stdout") is not None)
r, w = os.pipe(); t = threading.Thread(target=lambda: os.write(w, b"thread")); t.start(); print(os.read(r, 10)); t.join()
ts = [threading.Thread(target=lambda: None) for _ in range(300)]; [t.start() for t in ts]; [t.join() for t in ts]; print("300 threads")
print(time.monotonic() > 0, time.perf_counter_ns() > 0, time.thread_time() >= 0, time.process_time() > 0)
END
