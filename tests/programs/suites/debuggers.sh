# gdb and strace on a process of the same machine: started by them and attached to.
# needs: gdb strace gcc
# limit: 240
# quiet: 60
. "$SUITES/lib/checks.sh"
cat > debugged.c <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
volatile int counter = 40;
int add(int a, int b) { return a + b; }
static void *thread(void *arg) { counter = add(counter, *(int *)arg); return NULL; }
int main(int argc, char **argv)
{
	int two = 2;
	pthread_t t;
	if (argc > 1 && *argv[1] == 'w') { puts("up"); fflush(stdout); for (;;) pause(); }
	if (argc > 1 && *argv[1] == 'c') abort();
	if (argc > 1 && *argv[1] == 'f') { if (fork() == 0) _exit(add(3, 4)); wait(NULL); }
	pthread_create(&t, NULL, thread, &two);
	pthread_join(t, NULL);
	printf("counter %d\n", counter);
	return 7;
}
END
gcc -g -O0 -pthread debugged.c -o debugged || exit
g() { gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' "$@"; }
waiting() { ./debugged w > up & pid=$!; until_true 10 grep -q up up; }

gdb_attach() { waiting; says 'pause' g -p $pid -ex bt -ex detach; local ok=$?; kill -0 $pid || ok=1; kill $pid; wait $pid; return $ok; }
strace_attach() {
	waiting
	strace -p $pid -o attached 2>/dev/null & local tracer=$!
	until_true 10 grep -q pause attached
	kill $pid; wait $pid $tracer
	grep -q 'killed by SIGTERM' attached
}
check "gdb runs it" says 'exited with code 07' g -ex run ./debugged
check "a breakpoint, arguments, backtrace" says 'a=40, b=2' g -ex 'break add' -ex run -ex bt -ex continue ./debugged
check "a watchpoint" says 'New value = 42' g -ex 'break main' -ex run -ex 'watch counter' -ex continue -ex continue ./debugged
check "a software watchpoint and steps" says 'New value = 42' g -ex 'set can-use-hw-watchpoints 0' -ex 'break add' -ex run -ex 'watch counter' -ex finish -ex continue ./debugged
check "single steps" says 'two = 2' g -ex 'break main' -ex run -ex next -ex next -ex 'stepi 5' -ex 'p two' ./debugged
check "a function called by hand" says '$1 = 12' g -ex 'break main' -ex run -ex 'p add(5, 7)' ./debugged
check "memory and registers written" says 'counter 102' g -ex 'break add' -ex run -ex 'set var a = 100' -ex continue ./debugged
check "threads" says 'Thread 2' g -ex 'break add' -ex run -ex 'info threads' ./debugged
check "abort is seen" says 'SIGABRT' g -ex run -ex bt --args ./debugged c
check "a forked child is followed" says 'a=3, b=4' g -ex 'set follow-fork-mode child' -ex 'break add' -ex run -ex bt --args ./debugged f
check "catch syscall" says 'call to syscall' g -ex 'catch syscall exit_group' -ex run ./debugged
check "attach and detach" gdb_attach
check "a core file by gcore" eval 'waiting; gcore -o core $pid && g -ex bt ./debugged core.$pid | grep -q pause; ok=$?; kill $pid; wait $pid; [ $ok -eq 0 ]'
check "strace shows calls" says 'exit_group(7)' eval 'strace ./debugged; [ $? -eq 7 ]'
check "strace -f follows" eval 'strace -f -o log ./debugged f; grep -q "exit_group(7)" log && grep -qE "exited with 7" log && [ $(grep -c "^[0-9]* *+++ exited" log) -ge 2 ]'
check "strace -c counts" says 'execve' strace -c /bin/true
check "strace -e inject" says 'Permission denied' eval 'strace -e inject=openat:error=EACCES:when=3+ cat /etc/passwd 2>&1 || true'
check "strace attaches" strace_attach
