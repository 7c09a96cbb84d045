# SMALL_FILES (2,000) files: made, listed with attributes, read, removed.
case $1 in
run)
	mkdir "$2/small" && cd "$2/small" || exit 1
	seq "${SMALL_FILES:-2000}" | split -l 1 -a 5 - f
	ls -l >/dev/null
	cat f* >/dev/null 2>&1 || find . -type f -exec cat {} + >/dev/null
	cd .. && rm -rf small
	;;
clean) rm -rf "$2/small" ;;
esac
