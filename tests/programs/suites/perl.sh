# perl's own t/op and t/io: no package of Debian has them, so that this says so where nobody has put them.
# needs: perl /usr/share/perl/tests/t/op
# limit: 900
# resume: yes
cd /usr/share/perl/tests/t || exit
for test in op/*.t io/*.t; do
	! grep -qxF "$test" "$SUITE_SKIP" || continue
	[ -z "$SUITE_ONLY" ] || grep -qxF "$test" "$SUITE_ONLY" || continue
	echo "start $test" >&3
	if timeout 50 perl -I../lib "$test" 3>&-; then echo "ok $test" >&3; else echo "fail $test # status $?" >&3; fi
done
