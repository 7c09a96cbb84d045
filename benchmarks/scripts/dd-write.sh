# 128 MiB written in blocks of 64 KiB.
case $1 in
run) dd if=/dev/zero of="$2/dd" bs=64k count=2048 2>/dev/null && rm "$2/dd" ;;
esac
