# stress-ng: each stressor of a class for two seconds, with its own checks of the results. One that several classes have runs in the first.
# needs: stress-ng
# parts: pipe filesystem filesystem-volume scheduler interrupt vm memory network os
# user: nobody
# limit: 1800
# quiet: 45
# resume: yes
ulimit -v 3145728 -f 1048576 -u 2000 -c 0
members() { stress-ng --class "$1?" 2>/dev/null | sed 's/.*: //' | tr ' ' '\n'; }
# A gigabyte cannot be allocated in memory, or synchronized, again and again in two seconds.
smaller="--fallocate-bytes 64m --sync-file-bytes 64m"
earlier=" "
for class in pipe filesystem scheduler interrupt vm memory network os; do
	[ "$class" = "${1%-volume}" ] && break
	earlier+="$(members "$class" | tr '\n' ' ')"
done
for name in $(members "${1%-volume}"); do
	[[ $earlier != *" $name "* ]] || continue
	! grep -qxF "$name" "$SUITE_SKIP" || continue
	[ -z "$SUITE_ONLY" ] || grep -qxF "$name" "$SUITE_ONLY" || continue
	echo "start $name" >&3
	# Its own words go where the log has them and this can look at them; no descriptor of ours is handed on.
	timeout -k 2 40 stress-ng --timeout 2 --verify --metrics-brief --no-rand-seed --temp-path . $smaller "--$name" 1 >said 2>&1 3>&-
	status=$?
	cat said
	why=$(grep -m1 -oE '(fail|error):.*' said | tr -d '#')
	if grep -qE 'skipp(ed|ing)|not implemented|not supported' said; then
		echo "skip $name # $(grep -m1 -oE '[^]]*(skipp(ed|ing)|not implemented|not supported).*' said | tr -d '#')" >&3
	elif [ $status -ne 0 ]; then
		echo "fail $name # status $status ${why:-$(grep -m1 -oE '(unsuccessful|terminated|Segm|Kill|Abort).*' said | tr -d '#')}" >&3
	elif grep -qE "^stress-ng: (metrc|info): .* $name +0 " said; then
		echo "fail $name # not one round was done" >&3
	else
		echo "ok $name" >&3
	fi
done
