# needs: python3
exec python3 - <<'END'
import sys, os, json, hashlib, re, collections, itertools, math, random, datetime, tempfile, shutil, glob, pathlib, struct, zlib, base64, csv, io, pickle, decimal, textwrap, string, urllib.parse, configparser, heapq, bisect, functools, locale, platform, uuid, time, errno, stat
print(json.dumps({"a": [1, 2.5, None, True], "b": {"c": "\u00e9"}}, sort_keys=True))
print(hashlib.sha256(b"x" * 100000).hexdigest(), hashlib.md5(b"").hexdigest(), hashlib.blake2b(b"z").hexdigest()[:16])
print(re.findall(r"(\w+)=(\d+)", "a=1 b=22"), collections.Counter("banana").most_common(2))
random.seed(5); print(random.random(), random.sample(range(100), 5))
print(math.factorial(30), decimal.Decimal(1) / 3, 2 ** 200, round(math.pi, 10))
d = tempfile.mkdtemp(); p = pathlib.Path(d)
(p / "a.txt").write_text("line\n" * 1000); (p / "sub").mkdir(); (p / "sub" / "b").write_bytes(bytes(range(256)))
print(sorted(x.name for x in p.rglob("*")), os.path.getsize(p / "a.txt"), len((p / "sub" / "b").read_bytes()))
shutil.copytree(d, d + "-copy"); shutil.move(d + "-copy", d + "-moved"); print(os.path.exists(d + "-copy"), glob.glob(d + "-moved/*.txt")[0][-5:])
shutil.make_archive(d, "zip", d); print(shutil.disk_usage("/").total > 0); shutil.rmtree(d); shutil.rmtree(d + "-moved")
print(zlib.crc32(b"abc"), base64.b64encode(zlib.compress(b"q" * 100, 9)), struct.pack("<IhQ", 1, -2, 3).hex())
print(pickle.loads(pickle.dumps({"k": (1, 2)})), list(csv.reader(io.StringIO("a,b\n1,2"))), urllib.parse.quote("a b&c"))
for call in (lambda: open("/nonexistent"), lambda: os.mkdir("/proc/x"), lambda: os.rmdir("/")):
    try: call()
    except OSError as e: print(type(e).__name__, errno.errorcode[e.errno] if e.errno in (2, 17, 20) else "refused")
print(datetime.datetime.fromtimestamp(0, datetime.timezone.utc).isoformat(), time.time() > 1.7e9, len(str(uuid.uuid4())))
print(sys.argv, os.getcwd() == os.environ["HOME"], sorted(os.environ)[:3], os.getuid() == os.geteuid(), sys.stdin.isatty(), platform.system())
fd = os.open("file", os.O_RDWR | os.O_CREAT, 0o640); os.write(fd, b"0123456789"); os.lseek(fd, 2, 0); print(os.read(fd, 3), os.pread(fd, 2, 7), oct(os.fstat(fd).st_mode), os.sendfile(1, fd, 0, 5)); os.ftruncate(fd, 4); print(os.stat("file").st_size)
os.link("file", "hard"); os.symlink("file", "soft"); print(os.stat("hard").st_nlink, os.readlink("soft"), os.path.islink("soft"), sorted(e.name for e in os.scandir(".") if e.is_file()))
os.utime("file", (1, 2)); print(os.stat("file").st_mtime); os.rename("file", "renamed"); os.chmod("renamed", 0o600); print(stat.filemode(os.stat("renamed").st_mode)); print(len(os.urandom(10)), os.cpu_count() > 0, os.access("/etc/passwd", os.R_OK))
print(sum(len(x) for x in itertools.permutations(range(7))), functools.reduce(lambda a, b: a * b, range(1, 10)), heapq.nsmallest(2, [3, 1, 2]), bisect.bisect([1, 3, 5], 4))
import importlib.util; print([m for m in ("ssl", "sqlite3", "ctypes", "curses", "lzma", "bz2") if importlib.util.find_spec(m)])
sys.exit(3)
END
