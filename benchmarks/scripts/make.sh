# make -j2 of a program of 40 files.
case $1 in
setup)
	mkdir -p "$2/project" && cd "$2/project" || exit 1
	for i in $(seq 40); do
		{
			printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
			for j in $(seq 30); do
				printf 'int f%d_%d(int n) { char b[64]; snprintf(b, sizeof(b), "%%d", n * %d); return atoi(b) + (int)strlen(b); }\n' "$i" "$j" "$j"
			done
		} >"f$i.c"
	done
	printf 'int f1_1(int);\nint main(void) { return f1_1(1) == 0; }\n' >main.c
	printf 'prog: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O1 -c -o $@ $<\n' >Makefile
	;;
run) cd "$2/project" && rm -f prog ./*.o && make -j2 ;;
clean) rm -rf "$2/project" ;;
esac
