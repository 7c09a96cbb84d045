/*
 * Random calls with random and with telling arguments. Section 8, line 7. Usage: fuzz_calls SEED ROUNDS. What is expected: processes
 * of the guest may die; the sandbox does not. The same seed makes the same calls.
 */
#include "tap.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

static uint64_t state;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static char *page;

static long argument(void)
{
	static const long telling[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 64, 255, 256, 4095, 4096, 4097, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, -1, -2,
		-4095, -4096, INT64_MAX, INT64_MIN, AT_FDCWD, 0x7fffffffe000, 0x7fffffffc000, 0x7fffffff0000, 0x800000000000,
		0xffff800000000000, 0xffffffff81000000, 0xffffffffff600000, 1L << 32, 1L << 40, 0x10000, 0x400000,
	};
	uint64_t r = random64();

	switch (r % 8) {
	case 0:
		return (long)random64();
	case 1:
		return r >> 32 & 0xff;
	case 2:
		return (long)(page + (r >> 32) % 8192);
	case 3:
		return (long)(page + 4096 - (r >> 32) % 64);
	case 4:
		return 1L << (r >> 32) % 64;
	default:
		return telling[(r >> 32) % (sizeof(telling) / sizeof(*telling))];
	}
}

/* Calls that only end the test: they stop, exit or wait by design. */
static bool left_out(long nr)
{
	static const long list[] = {SYS_exit, SYS_exit_group, SYS_pause, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
				    SYS_rt_tgsigqueueinfo, SYS_vhangup, SYS_reboot, SYS_fork, SYS_vfork};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (nr == list[i])
			return true;
	return false;
}

/* Random bytes that often look like small numbers and pointers into the page. */
static void fill(void)
{
	for (int i = 0; i < 1024; i++)
		((long *)page)[i] = argument();
}

static void one_child(int calls)
{
	struct rlimit small = {64, 64}, memory = {1L << 30, 1L << 30};

	setrlimit(RLIMIT_NOFILE, &small);
	setrlimit(RLIMIT_AS, &memory);
	setpgid(0, 0);
	for (int i = 0; i < calls; i++) {
		long nr = random64() % 470;

		if (left_out(nr))
			continue;
		if (i % 8 == 0)
			fill();
		ualarm(20000, 20000);
		signal(SIGALRM, SIG_DFL);
		syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int rounds, i, deaths = 0;

	if (argc != 3)
		return 2;
	tap_begin();
	alarm(110);
	state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
	rounds = atoi(argv[2]);
	page = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + 8192, 4096);
	for (i = 0; i < rounds; i++) {
		pid_t pid;

		random64();
		pid = fork();
		if (pid == 0)
			one_child(60);
		if (pid < 0)
			break;
		deaths += tap_wait(pid) != 0;
		/* What a clone left behind. */
		kill(-pid, SIGKILL);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
	CHECK_EQ(i, rounds, "the sandbox lives through %d processes of random calls", rounds);
	CHECK(deaths < rounds || rounds == 0, "and not every process died of it");
	CHECK(IN_CHILD(_exit(3)) == EXITED(3), "it still forks, exits and waits");
	return tap_end();
}
