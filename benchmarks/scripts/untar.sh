# The headers, unpacked from an archive.
case $1 in
setup) tar -C /usr -cf "$2/include.tar" include ;;
run) mkdir "$2/untar" && tar -C "$2/untar" -xf "$2/include.tar" && rm -rf "$2/untar" ;;
clean) rm -rf "$2/untar" "$2/include.tar" ;;
esac
