# sqlite3: a database under several writers at once, its own integrity check, its journal modes, a killed writer.
# needs: sqlite3
# limit: 240
# quiet: 120
. "$SUITES/lib/checks.sh"
sql() { sqlite3 -cmd '.timeout 20000' "$@"; }
same() { local got; got=$(sql "$1" "$2"); [ "$got" = "$3" ] || { echo "$2: $got"; return 1; }; }

writers() { # MODE: four processes write 200 rows each, in a transaction each
	local w pids=()
	sql "$1.db" "pragma journal_mode=$1; create table t(w int, n int, unique(w, n));" >/dev/null || return
	for w in 1 2 3 4; do
		(for n in $(seq 50); do echo "insert into t values($w, $n);"; done | sql "$1.db") & pids+=($!)
	done
	wait "${pids[@]}" || return
	same "$1.db" 'select count(*), sum(n) from t' '200|5100' && same "$1.db" 'pragma integrity_check' ok
}
killed() { # a writer dies in the middle of a transaction: nothing of it is there
	sql kill.db 'create table t(n); insert into t values(1);' || return
	(echo 'begin immediate; insert into t select value from generate_series(1, 100000);'; exec sleep 30) | sql kill.db & local pid=$!
	for _ in $(seq 200); do [ -s kill.db-journal ] && break; sleep 0.05; done
	kill -9 $pid; wait $pid
	same kill.db 'select count(*) from t' 1 && same kill.db 'pragma integrity_check' ok
}
big() {
	sql big.db 'create table t(a integer primary key, b text, c blob); with recursive s(n) as (select 1 union all select n+1 from s where n<50000)
		insert into t select n, hex(randomblob(20)), randomblob(50) from s; create index i on t(b); vacuum;' || return
	same big.db 'select count(*), count(distinct b) from t' '50000|50000' && same big.db 'pragma integrity_check' ok
}
mapped() { same big.db 'pragma mmap_size=268435456; select count(*) from t where length(c)=50' $'268435456\n50000'; }
backup() { sql big.db '.backup copy.db' && cmp <(sql big.db .dump) <(sql copy.db .dump); }
for mode in delete truncate persist wal; do check "four writers, journal_mode=$mode" writers $mode; done
check "fifty thousand rows, index, vacuum" big
check "read through a mapping" mapped
check "backup" backup
check "a killed writer leaves no trace" killed
