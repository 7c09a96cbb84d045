# gcc -O2 of a small file.
case $1 in
setup) printf '#include <stdio.h>\nint main(void)\n{\n\tputs("x");\n\treturn 0;\n}\n' >"$2/small.c" ;;
run) gcc -c -O2 -o "$2/small.o" "$2/small.c" ;;
clean) rm -f "$2/small.c" "$2/small.o" ;;
esac
