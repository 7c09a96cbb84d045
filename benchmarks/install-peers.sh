#!/bin/bash
# Installs what make bench compares with, where Debian has it: bubblewrap, gVisor's runsc, the tools of
# works.txt, and gnuplot for the pictures.
set -u
[ "$(id -u)" -eq 0 ] || { echo "bench-peers: not root, so nothing can be installed; as root run: make bench-peers" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
bad=0
for package in bubblewrap runsc gnuplot-nox fio nginx-light apache2-utils redis-server redis-tools sqlite3; do
	if apt-get -q -y install --no-install-recommends "$package" >/dev/null 2>&1; then
		echo "bench-peers: $package is installed"
	else
		echo "bench-peers: $package cannot be had from this machine's package sources"
		[ "$package" = runsc ] && echo "bench-peers: put a runsc binary into the PATH, or name it in RUNSC=, and make bench uses it"
		[ "$package" = bubblewrap ] && bad=1
	fi
done
exit $bad
