# fio: 8 jobs read 4 KiB at random places of 64 MiB that are not in the page cache.
case $1 in
setup) dd if=/dev/zero of="$2/fio" bs=1M count=64 2>/dev/null && sync "$2/fio" ;;
run)
	fio --name=r --filename="$2/fio" --rw=randread --bs=4k --size=64M --io_size=2M --numjobs=8 --thread --ioengine=psync \
		--invalidate=1 --direct=0 --randseed=1 --minimal
	;;
clean) rm -f "$2/fio" ;;
esac
