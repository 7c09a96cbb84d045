# gdb: breakpoints, steps, backtraces, registers, memory, threads, forks, signals, watchpoints, calls, attaching, catching system calls.
# needs: gdb gcc pkill
# limit: 120
set -u
cat >p.c <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
volatile int counter;
volatile double ratio = 1.5;
int twice(int n)
{
	int r = n * 2;
	return r;
}
static void *thread(void *arg)
{
	*(int *)arg = twice(*(int *)arg);
	return NULL;
}
static void on_signal(int sig)
{
	counter += sig;
}
int main(int argc, char **argv)
{
	int n = 20, status;
	pthread_t t;
	pid_t pid;
	if (argc > 1 && atoi(argv[1]) == 9) {
		puts("ready");
		fflush(stdout);
		for (;;)
			pause();
	}
	ratio = ratio * 2 + 0.25;
	signal(SIGUSR1, on_signal);
	pthread_create(&t, NULL, thread, &n);
	pthread_join(t, NULL);
	raise(SIGUSR1);
	counter = 77;
	pid = fork();
	if (pid == 0)
		_exit(twice(3));
	waitpid(pid, &status, 0);
	printf("n %d counter %d status %d\n", n, counter, WEXITSTATUS(status));
	return 0;
}
END
gcc -g -O0 -o p p.c -lpthread || exit 1
# Numbers of processes, addresses and the loader's chatter are the run's own.
plain() {
	sed -E -e '/^\[Thread debugging|^Using host libthread|^\[New |^\[Switching|^\[Thread |warning:|debuginfod|No such file/d' \
		-e 's/0x[0-9a-f]{6,}/ADDR/g' -e 's/\(?(LWP|process) [0-9]+\)?/\1 N/g' -e 's/Thread ADDR/Thread/' -e 's/pid=[0-9]+/pid=N/'
}
# What the program itself writes comes before or after what gdb says meanwhile: it is shown last.
run() {
	echo "== $1"
	shift
	gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -iex 'handle SIGUSR1 nostop noprint' "$@" >out 2>&1 </dev/null
	grep -v '^n ' out | plain
	grep '^n ' out
}
run break -ex 'break twice' -ex run -ex bt\ 2 -ex 'info threads' -ex next -ex 'p r' -ex 'set var r = 50' -ex finish -ex 'delete' -ex c ./p |
	grep -vE '^ +(1|Id) '
run step -ex 'break main' -ex run -ex step -ex next -ex stepi -ex 'p $pc > (void *)main' -ex 'p argc' -ex 'p $eflags & 0x100' -ex kill ./p
run registers -ex 'break p.c:35' -ex run -ex 'p ratio' -ex 'set var ratio = 2' -ex 'p ratio' -ex 'set $xmm0.v2_double[0] = 7.25' -ex 'p $xmm0.v2_double[0]' \
	-ex 'p $mxcsr' -ex 'p $fctrl' -ex 'set $rbx = 17' -ex 'p $rbx' -ex 'x/2i main' -ex 'p twice(21)' -ex kill ./p | sed 's/<[^>]*>//g'
run watch -ex 'break main' -ex run -ex 'watch counter' -ex c -ex c -ex c ./p | grep -E 'Old|New|counter|exited'
run signals -ex 'handle SIGUSR1 stop print' -ex run -ex 'p $_siginfo.si_signo' -ex 'signal 0' ./p
run follow -ex 'set follow-fork-mode child' -ex 'break main' -ex run -ex 'break twice if n == 3' -ex c -ex 'p n' -ex c ./p | grep -v '^\[Att\|^\[Det\|^\[Inf'
run catch -ex 'catch syscall getpid' -ex 'catch syscall wait4' -ex run -ex c -ex c ./p | grep -E 'Catchpoint|exited|^n '
run exec -ex 'set args -c "exec ./p"' -ex 'catch exec' -ex run -ex 'break twice' -ex c -ex 'p n' -ex kill /bin/sh | grep -E '^Catchpoint|^Thread|^\$'
coproc ./p 9
pid=$COPROC_PID
read -r line <&"${COPROC[0]}"
echo "$line"
run attach -p "$pid" -ex 'bt -1' -ex 'p counter = 5' -ex detach | grep -E '^#|^\$|^\[Inf'
run again -p "$pid" -ex 'p counter' -ex kill | grep -E '^\$|killed'
wait "$pid" 2>&-
echo "status $?"
