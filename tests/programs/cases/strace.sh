# strace: calls, forks and threads, filters, counts, injected errors, attaching.
# needs: strace gcc
# limit: 60
set -u
# What differs from run to run, and what each kernel decides: numbers, addresses, sizes.
plain() { sed -E -e 's/0x[0-9a-f]+/ADDR/g' -e 's/\[pid +[0-9]+\] //' -e 's/si_pid=[0-9]+/si_pid=N/' -e 's/si_[us]time=[0-9]+/T/g' -e 's/= [0-9]{2,}$/= N/' \
	-e 's/Process [0-9]+/Process N/' -e 's/^[0-9]+ +//'; }
echo hello >f
echo "== files"
strace -e trace=openat,read,write,close -o out cat f | cat # into a pipe: between files cat copies in the kernel where it can
grep -A3 '"f"' out | plain
tail -1 out
echo "== a failing call"
strace -e trace=openat -o out cat nothing
grep nothing out | plain
echo "== children"
strace -f -e trace=execve,exit_group -e signal=none -o out sh -c 'true; /bin/true; /bin/sh -c "exit 3"; exit 4'
echo "status $?"
plain <out | sed -E 's/ADDR.*vars.*\)/ENV)/' | sort
echo "== signals"
strace -e trace=kill -o out sh -c 'trap : USR1; kill -USR1 $$; kill -TERM $$'
echo "status $?"
plain <out | sed -E 's/kill\([0-9]+/kill(N/; s/ +/ /g; s/si_uid=[0-9]+/U/'
echo "== counts"
strace -c -U name,calls,errors -e trace=openat,write -o out sh -c 'echo a; echo b; cat nothing; exit 0'
grep -E 'write' out
strace -f -c -o out sh -c '/bin/true; /bin/true'
grep -oE '(vfork|wait4|execve)$' out | sort
echo "== injected"
strace -e inject=openat:error=EPERM:when=3+ -o /dev/null cat f 2>&1 | head -1
strace -e inject=write:retval=6 -e trace=write -o out cat f | cat
cat out
echo "== threads"
cat >t.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/syscall.h>
static void *thread(void *arg)
{
	syscall(SYS_getppid);
	return arg;
}
int main(void)
{
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	return 0;
}
END
gcc -O1 -o t t.c -lpthread || exit 1
strace -f -e trace=getppid -o out ./t
grep -c 'getppid(' out
grep -c 'exited with 0' out
strace -f --seccomp-bpf -e trace=getppid -o out ./t
grep -c 'getppid(' out
echo "== attached"
mkfifo go done
sh -c 'echo ready >done; read x <go; echo "got $x"; exit 5' &
pid=$!
read -r line <done
strace -q -e trace=read,write,exit_group -o out -p "$pid" &
tracer=$!
until grep -q 'TracerPid:.[1-9]' "/proc/$pid/status"; do :; done
echo data >go
wait "$pid"
echo "status $?"
wait "$tracer"
grep -E 'got|exit' out | plain
