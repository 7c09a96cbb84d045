# cp -r of the headers, and rm -rf of the copy.
case $1 in
run) cp -r /usr/include "$2/copy" && rm -rf "$2/copy" ;;
clean) rm -rf "$2/copy" ;;
esac
