# redis: its server under redis-benchmark on a Unix socket and over TCP on loopback, persistence, a replica.
# needs: redis-server redis-cli redis-benchmark
# limit: 300
# quiet: 120
. "$SUITES/lib/checks.sh"
server() { redis-server --port "${2:-0}" --unixsocket "$PWD/$1.sock" --save '' --daemonize no --logfile "$1.log" --dir . --dbfilename "$1.rdb" "${@:3}" >/dev/null 2>&1 & }
up() { until_true 20 redis-cli -s "$1.sock" ping; }
r() { redis-cli -s one.sock "$@"; }
background() { r bgsave && until_true 20 eval 'r info persistence | grep -q rdb_bgsave_in_progress:0' && r info persistence | grep -q rdb_last_bgsave_status:ok && [ -s one.rdb ]; }
aof() {
	server aof 0 --appendonly yes --appendfsync always
	local pid=$!
	up aof && redis-cli -s aof.sock set key value && redis-cli -s aof.sock bgrewriteaof && until_true 20 eval 'redis-cli -s aof.sock info persistence | grep -q aof_rewrite_in_progress:0'
	kill -9 $pid; wait $pid
	server aof 0 --appendonly yes
	up aof && says value redis-cli -s aof.sock get key && redis-cli -s aof.sock shutdown nosave
}
blocked() { (sleep 0.3; r lpush list item) & says item redis-cli -s one.sock blpop list 10; }
replica() {
	server two 0 --replicaof 127.0.0.1 17379
	up two && until_true 30 eval 'redis-cli -s two.sock info replication | grep -q master_link_status:up' && r set replicated yes && until_true 10 eval 'redis-cli -s two.sock get replicated | grep -q yes'
	local ok=$?
	redis-cli -s two.sock shutdown nosave
	return $ok
}
check "starts" eval 'server one 0; up one' || exit
for test in ping set get incr lpush rpop sadd hset zadd lrange_100 mset; do
	check "redis-benchmark -t $test" says 'requests per second' redis-benchmark -s one.sock -q -n 2000 -c 20 -t $test
done
check "redis-benchmark with a pipeline and two threads" says 'requests per second' redis-benchmark -s one.sock -q -n 20000 -c 20 -P 16 --threads 2 -t get
check "bgsave" background
check "a blocked client is woken" blocked
check "append-only file after kill -9" aof
check "shutdown" eval 'r shutdown nosave; ! redis-cli -s one.sock ping'
server one 17379 --bind '127.0.0.1 ::1'
check "starts on loopback" until_true 20 redis-cli -p 17379 ping || exit
for test in ping set get lrange_100; do
	check "redis-benchmark over TCP -t $test" says 'requests per second' redis-benchmark -p 17379 -q -n 2000 -c 20 -t $test
done
check "redis-benchmark over IPv6" says 'requests per second' redis-benchmark -h ::1 -p 17379 -q -n 2000 -c 20 -t get
check "a replica" replica
check "shutdown again" eval 'redis-cli -p 17379 shutdown nosave; ! redis-cli -p 17379 ping'
