# PostgreSQL: initdb, a server on a Unix socket and on loopback, pgbench, a crash and its recovery, shared memory of each kind.
# needs: /usr/lib/postgresql/15/bin/postgres pgbench psql
# user: nobody
# limit: 420
# quiet: 180
. "$SUITES/lib/checks.sh"
PATH=/usr/lib/postgresql/15/bin:$PATH
export PGHOST=$PWD PGPORT=54329 PGUSER=me PGDATABASE=postgres
start() { pg_ctl -D data -l server.log -w -t 60 -o "-k $PWD -c listen_addresses='$1' -c shared_buffers=32MB -c max_connections=40 $2" start; }
query() { says "$1" psql -v ON_ERROR_STOP=1 -Atqc "$2"; }
bench() { says 'number of failed transactions: 0' pgbench -c 4 -j 2 "$@"; }
crash() { pg_ctl -D data -m immediate stop && start '' && query 200000 'select count(*) from pgbench_accounts'; }
parallel() { query 200000 "set max_parallel_workers_per_gather=2; set min_parallel_table_scan_size=0; set parallel_setup_cost=0; select count(*) from pgbench_accounts where abalance is not null"; }
listen() { says 'Asynchronous notification "c" with payload "hello"' psql -c 'listen c' -c "notify c, 'hello'"; }
types() {
	query '{"a": [1, 2]}' "select '{\"a\":[1,2]}'::jsonb" && query '1 day' "select interval '24 hours' + '1 day' - '24 hours'" &&
		query t "select pg_sleep(0.2) is not null" && query 5050 "with recursive s(n) as (select 1 union all select n+1 from s where n<100) select sum(n) from s" &&
		query 3 "create function three() returns int language plpgsql as 'begin return 3; end'; select three()"
}
cancel() { says 'canceling statement due to statement timeout' eval "psql -c \"set statement_timeout='300ms'\" -c 'select pg_sleep(30)' || true"; }

check initdb initdb -D data -U me -A trust --no-sync --locale=C.UTF-8 -E UTF8 || exit
check "start on a Unix socket" start '' || { cat server.log; exit; }
check "SQL of several kinds" types
check "statement timeout" cancel
check "listen and notify" listen
check "pgbench -i" pgbench -q -i -s 2
check "pgbench, 4 clients" bench -t 100
check "pgbench -S, prepared" bench -S -M prepared -t 300
check "a parallel scan" parallel
check "vacuum and checkpoint" psql -c 'vacuum analyze' -c checkpoint
check "pg_dump" says 'PostgreSQL database dump complete' pg_dump
check "recovery after an immediate stop" crash
check "fast stop" pg_ctl -D data -m fast -w stop
check "start with mmap shared memory" start '' "-c shared_memory_type=mmap -c dynamic_shared_memory_type=mmap" && check "stop" pg_ctl -D data -m fast -w stop
check "start with SysV shared memory" start '' "-c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv" && check "a query" query 1 'select 1' && check "stop again" pg_ctl -D data -m fast -w stop
check "start on loopback" start 127.0.0.1 || exit
export PGHOST=127.0.0.1
check "pgbench over TCP" bench -t 50
check "stop for good" pg_ctl -D data -m fast -w stop
