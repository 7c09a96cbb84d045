# redis-benchmark against a server of its own, over TCP on the loopback.
case $1 in
run)
	redis-server --port 7391 --bind 127.0.0.1 --save '' --daemonize no --dir "$2" >/dev/null 2>&1 &
	server=$!
	until redis-cli -p 7391 ping >/dev/null 2>&1; do :; done
	redis-benchmark -p 7391 -q -n 20000 -c 10 -t set,get
	kill $server
	wait $server 2>/dev/null
	true
	;;
esac
