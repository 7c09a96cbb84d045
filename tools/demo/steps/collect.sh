# Gathers what this machine says about its packages: dpkg's database and the logs of what was done to it.
set -eu
out=/data/output
cp /var/lib/dpkg/status "$out/status"
cp /etc/os-release "$out/os-release"
uname -srm > "$out/kernel"
mkdir "$out/log"
for log in /var/log/dpkg.log /var/log/alternatives.log /var/log/apt/history.log; do
	if [ -r "$log" ]; then
		cp "$log" "$out/log/"
	fi
done
echo "collected $(grep -c '^Package:' "$out/status") packages and $(cat "$out"/log/* | wc -l) log lines"
