# nginx on loopback under ab and wrk: two workers, static files by sendfile, keep-alive, a proxy to a Unix socket, reload, graceful stop.
# needs: /usr/sbin/nginx ab wrk curl
# limit: 180
# quiet: 60
. "$SUITES/lib/checks.sh"
mkdir www && head -c 200000 /dev/urandom > www/big && echo 'hello' > www/index.html
cat > nginx.conf <<END
daemon off;
pid $PWD/pid;
worker_processes 2;
error_log $PWD/error.log;
events { worker_connections 256; }
http {
	access_log $PWD/access.log;
	sendfile on; tcp_nopush on;
	client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s;
	gzip on; gzip_min_length 1; gzip_types *;
	server { listen 127.0.0.1:18080; listen [::1]:18080; root $PWD/www; location /back { proxy_pass http://unix:$PWD/back.sock:/index.html; } }
	server { listen unix:$PWD/back.sock; root $PWD/www; }
}
END
[ "$(id -u)" -ne 0 ] || { sed -i '1i user root;' nginx.conf; }
alive() { curl -sf http://127.0.0.1:18080/ ; }
reload() { kill -HUP $pid && sleep 0.5 && until_true 10 alive && says hello alive; }
stop() { kill -QUIT $pid && wait $pid && ! alive; }
loaded() { says 'Failed requests:        0' ab -q "$@"; }
check "configuration" nginx -t -c "$PWD/nginx.conf" || exit
nginx -c "$PWD/nginx.conf" >/dev/null 2>&1 3>&- & pid=$!
check "starts" until_true 20 alive || { cat error.log; exit; }
check "a page" says hello alive
check "a page over IPv6" says hello curl -sf 'http://[::1]:18080/'
check "a large file arrives whole" eval 'curl -sf http://127.0.0.1:18080/big | cmp - www/big'
check "a range of it" eval 'curl -sf -r 1000-1999 http://127.0.0.1:18080/big | cmp - <(tail -c +1001 www/big | head -c 1000)'
check "compressed" eval 'curl -sf --compressed http://127.0.0.1:18080/big | cmp - www/big'
check "404" says 404 curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:18080/none
check "a proxy to a Unix socket" says hello curl -sf http://127.0.0.1:18080/back
check "ab, a connection each" loaded -n 500 -c 10 http://127.0.0.1:18080/
check "ab, keep-alive" loaded -k -n 2000 -c 20 http://127.0.0.1:18080/
check "ab, large files" loaded -n 200 -c 4 http://127.0.0.1:18080/big
check "wrk" eval 'out=$(wrk -t 2 -c 20 -d 2 http://127.0.0.1:18080/); echo "$out"; grep -q Requests/sec <<<"$out" && ! grep -q "Socket errors" <<<"$out"'
check "reload" reload
check "graceful stop" stop
