# needs: redis-server redis-cli
# limit: 60
redis-server --port 0 --unixsocket "$PWD/s" --save '' --daemonize no --logfile log --dir . & pid=$!
for i in $(seq 100); do redis-cli -s s ping >/dev/null 2>&1 && break; sleep 0.1; done
r() { redis-cli -s s "$@"; }
r set a 1; r get a; r incr a; r rpush l x y z; r lrange l 0 -1; r hset h f v g w; r hgetall h; r expire a 100; r ttl a | grep -c .; r sadd s 1 2 3; r scard s; r zadd z 1 one 2 two; r zrange z 0 -1 withscores; r eval 'return redis.call("get", KEYS[1])' 1 a; r dbsize; r config get maxclients | tail -1 | grep -c .
seq 2000 | sed 's/.*/SET key& value&/' | r --pipe | tail -1; r dbsize; r get key1999; (r subscribe c >sub & s=$!; sleep 0.3; r publish c message; sleep 0.3; kill $s); grep -c message sub
for i in 1 2 3 4 5; do (for j in $(seq 20); do r incr counter >/dev/null; done) & jobs="$jobs $!"; done; wait $jobs; r get counter; r save; ls dump.rdb; r bgsave >/dev/null; sleep 0.5; r info persistence | grep -c bgsave_status:ok; r type l; r del l; r exists l; r multi <<<''; printf 'MULTI\nINCR a\nINCR a\nEXEC\n' | r; r debug sleep 0 2>&1 | head -1; r shutdown nosave; wait $pid; echo "ended $?"
redis-server --port 0 --unixsocket "$PWD/s" --daemonize no --logfile log --dir . & pid=$!; for i in $(seq 100); do r ping >/dev/null 2>&1 && break; sleep 0.1; done; r get key5; kill $pid; wait $pid; echo "ended $?"
