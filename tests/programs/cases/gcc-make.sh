# needs: gcc make
# limit: 120
mkdir -p src; cat >src/main.c <<'END'
#include <stdio.h>
#include "lib.h"
int main(int argc, char **argv) { printf("%d %d %s\n", add(2, 3), mul(4, 5), argc > 1 ? argv[1] : "none"); return 0; }
END
printf '#ifndef LIB_H\n#define LIB_H\nint add(int a, int b);\nint mul(int a, int b);\n#endif\n' >src/lib.h; printf '#include "lib.h"\nint add(int a, int b) { return a + b; }\n' >src/add.c; printf '#include "lib.h"\nint mul(int a, int b) { return a * b; }\n' >src/mul.c
cat >Makefile <<'END'
SRCS := $(wildcard src/*.c)
OBJS := $(SRCS:.c=.o)
CFLAGS := -O2 -Wall -MMD
all: prog libx.so static.a
prog: $(OBJS); $(CC) -o $@ $^
libx.so: src/add.c src/mul.c; $(CC) -shared -fPIC -o $@ $^
static.a: src/add.o src/mul.o; ar rcs $@ $^
-include $(OBJS:.o=.d)
clean: ; rm -f $(OBJS) prog libx.so static.a
.PHONY: all clean
END
make -s -j2; ./prog arg; make -s -q && echo up to date; touch src/lib.h; make -q; echo $?; make -j2 | wc -l; ls; ldd libx.so | grep -c libc; nm -D libx.so | awk '$2 == "T" {print $3}' | sort; ar t static.a; gcc -static -o st src/main.c static.a && ./st; gcc -pthread -x c - -o thr <<<'#include <pthread.h>
#include <stdio.h>
static void *f(void *x) { return x; }
int main(void) { pthread_t t; void *r; pthread_create(&t, 0, f, (void *)7); pthread_join(t, &r); printf("%ld\n", (long)r); }' && ./thr
gcc -c src/missing.c 2>/dev/null; echo $?; echo 'int main(void) { return x; }' | gcc -x c - -o bad 2>&1 | grep -c error; gcc -S -O1 -o - src/add.c | grep -c ret; gcc -E -P - <<<'#define X 5
X+X'; objdump -d src/add.o | grep -c ret; strip prog && ./prog stripped; make -s clean; ls src; make nothing 2>/dev/null; echo $?; gcc -g -fsanitize=undefined -x c - -o ub <<<'int main(void) { return 0; }' 2>/dev/null && ./ub; echo $?
