# needs: python3
exec python3 - <<'END'
import asyncio, os, signal, socket, sys
async def handle(r, w):
    while data := await r.readline(): w.write(data.upper()); await w.drain()
    w.close()
async def client(i):
    r, w = await asyncio.open_unix_connection("sock"); w.write(f"client {i}\n".encode()); await w.drain(); line = await r.readline(); w.close(); return line
async def main():
    server = await asyncio.start_unix_server(handle, "sock"); print(sorted(await asyncio.gather(*(client(i) for i in range(30))))[:3]); server.close()
    p = await asyncio.create_subprocess_exec("sh", "-c", "read x; echo got $x; exit 4", stdin=-1, stdout=-1); print(await p.communicate(b"input\n"), p.returncode)
    ps = [await asyncio.create_subprocess_shell(f"exit {i}") for i in range(10)]; print([await p.wait() for p in ps])
    try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError: print("timeout")
    got = asyncio.Event(); asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set); os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(got.wait(), 5); print("signal")
    print(await asyncio.to_thread(sum, range(1000))); q = asyncio.Queue(3)
    async def produce(): [await q.put(i) for i in range(20)]
    t = asyncio.create_task(produce()); print([await q.get() for _ in range(20)]); await t
    r, w = os.pipe(); f = asyncio.get_running_loop().create_future(); asyncio.get_running_loop().add_reader(r, lambda: f.done() or f.set_result(os.read(r, 9))); os.write(w, b"reader"); print(await f)
    lock = asyncio.Lock(); n = 0
    async def inc():
        nonlocal n
        for _ in range(10):
            async with lock: await asyncio.sleep(0); n += 1
    await asyncio.gather(*(inc() for _ in range(10))); print(n)
asyncio.run(main())
END
