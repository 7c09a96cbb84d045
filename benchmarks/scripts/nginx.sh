# nginx serving a small file, ab asking for it 20,000 times over 8 kept connections.
case $1 in
setup)
	mkdir -p "$2/www" && echo hello >"$2/www/index.html"
	cat >"$2/nginx.conf" <<-EOF
		daemon off; worker_processes 1; pid $2/nginx.pid; error_log /dev/null;
		events { worker_connections 64; }
		http { access_log off; server { listen 127.0.0.1:7392; root $2/www; } }
	EOF
	;;
run)
	nginx -c "$2/nginx.conf" >/dev/null 2>&1 &
	server=$!
	until ab -q -n 1 http://127.0.0.1:7392/ >/dev/null 2>&1; do :; done
	ab -q -k -c 8 -n 20000 http://127.0.0.1:7392/
	kill $server
	wait $server 2>/dev/null
	true
	;;
clean) rm -rf "$2/www" "$2/nginx.conf" ;;
esac
