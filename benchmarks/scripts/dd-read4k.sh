# 128 MiB, written by the sandbox itself, read in blocks of 4 KiB.
case $1 in
setup) dd if=/dev/zero of="$2/dd" bs=64k count=2048 2>/dev/null ;;
run) dd if="$2/dd" of=/dev/null bs=4k 2>/dev/null ;;
clean) rm -f "$2/dd" ;;
esac
