# needs: python3
exec python3 - <<'END'
import sqlite3, os, threading
db = sqlite3.connect("t.db"); db.execute("pragma journal_mode=wal"); db.execute("create table t(id integer primary key, v text)")
with db: db.executemany("insert into t(v) values(?)", ((f"value {i}",) for i in range(5000)))
print(db.execute("select count(*), max(id), sum(length(v)) from t").fetchone()); db.execute("create index i on t(v)"); print(db.execute("select id from t where v = 'value 77'").fetchone())
try:
    with db: db.execute("delete from t"); raise KeyError
except KeyError: pass
print(db.execute("select count(*) from t").fetchone())
def write(k):
    c = sqlite3.connect("t.db", timeout=30)
    for i in range(20):
        with c: c.execute("insert into t(v) values(?)", (f"thread {k} {i}",))
ts = [threading.Thread(target=write, args=(k,)) for k in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]; print(db.execute("select count(*) from t where v like 'thread%'").fetchone())
pid = os.fork()
if pid == 0:
    c = sqlite3.connect("t.db", timeout=30)
    with c: c.execute("update t set v = 'changed' where id = 1")
    os._exit(0)
os.waitpid(pid, 0); print(db.execute("select v from t where id = 1").fetchone()); db.execute("vacuum"); print(db.execute("pragma integrity_check").fetchone()); db.close(); print(sorted(os.listdir(".")))
END
