# A text that is nowhere, looked for in all headers.
case $1 in
run) grep -r there.is.no.such.text /usr/include || [ $? -eq 1 ] ;;
esac
