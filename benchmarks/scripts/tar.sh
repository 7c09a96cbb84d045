# An archive of the headers.
case $1 in
run) tar -C /usr -cf "$2/include.tar" include && rm "$2/include.tar" ;;
esac
