# 200 commits, each forced to the disk.
case $1 in
setup) rm -f "$2/bench.db" && sqlite3 "$2/bench.db" 'create table t(a, b)' ;;
run)
	i=0
	while [ $i -lt 200 ]; do
		echo "begin; insert into t values($i, 'some text'); commit;"
		i=$((i + 1))
	done | sqlite3 "$2/bench.db"
	;;
clean) rm -f "$2"/bench.db* ;;
esac
