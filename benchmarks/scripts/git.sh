# status of a repository of 5,000 files, one changed, and a commit of it.
repo=$2/repo
git_in() { git -C "$repo" -c user.name=bench -c user.email=bench@localhost -c gc.auto=0 "$@"; }
case $1 in
setup)
	mkdir -p "$repo" && cd "$repo" || exit 1
	for d in $(seq 50); do
		mkdir "d$d"
		for f in $(seq 100); do echo "file $d $f" >"d$d/f$f"; done
	done
	git_in init -q && git_in add . && git_in commit -q -m first
	;;
run)
	date +%s%N >"$repo/d1/f1"
	git_in status --short && git_in commit -q -a -m next
	;;
clean) rm -rf "$repo" ;;
esac
