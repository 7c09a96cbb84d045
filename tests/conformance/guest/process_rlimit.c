/* Resource limits: reading, lowering, raising, and what they refuse. */
#include "../tap.h"

#include <sys/mman.h>
#include <sys/resource.h>

static const int resources[] = {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
	RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME,
};

static bool set(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};

	return setrlimit(resource, &limit) == 0;
}

static bool set_soft(int resource, rlim_t soft)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 && set(resource, soft, limit.rlim_max);
}

static void reading(void)
{
	struct rlimit limit, again;
	size_t i;

	for (i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
		memset(&limit, 0, sizeof(limit));
		CHECK(getrlimit(resources[i], &limit) == 0 && limit.rlim_cur <= limit.rlim_max, "getrlimit %d", resources[i]);
	}
	CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
	CHECK_ERRNO(getrlimit(-1, &limit), EINVAL);
	CHECK_ERRNO(setrlimit(99, &limit), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_NOFILE, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_NOFILE, 8), EFAULT);
	CHECK_OK(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
	CHECK_OK(prlimit(getpid(), RLIMIT_NOFILE, NULL, &again));
	CHECK(!memcmp(&limit, &again, sizeof(limit)), "prlimit of 0 and of the own pid agree");
	CHECK_ERRNO(prlimit(0x3ffffff, RLIMIT_NOFILE, NULL, &limit), ESRCH);
	limit.rlim_cur = limit.rlim_max + 1;
	if (limit.rlim_max != RLIM_INFINITY)
		CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
}

static void changing(void)
{
	struct rlimit old, new = {50, 60};

	CHECK_CHILD("a soft limit is lowered and raised", MUST(set_soft(RLIMIT_NOFILE, 30)); MUST(set_soft(RLIMIT_NOFILE, 40)));
	CHECK_CHILD("both are lowered", MUST(set(RLIMIT_NOFILE, 20, 25)); MUST(getrlimit(RLIMIT_NOFILE, &old) == 0);
		    MUST(old.rlim_cur == 20 && old.rlim_max == 25));
	CHECK_CHILD("limits are inherited", MUST(set(RLIMIT_NOFILE, 20, 25));
		    MUST(IN_CHILD(getrlimit(RLIMIT_NOFILE, &old); MUST(old.rlim_cur == 20 && old.rlim_max == 25)) == 0));
	CHECK_CHILD("prlimit gives the old while setting the new", MUST(set(RLIMIT_NOFILE, 80, 90));
		    MUST(prlimit(0, RLIMIT_NOFILE, &new, &old) == 0); MUST(old.rlim_cur == 80 && old.rlim_max == 90);
		    MUST(getrlimit(RLIMIT_NOFILE, &old) == 0); MUST(old.rlim_cur == 50 && old.rlim_max == 60));
	if (!tap_is_root())
		CHECK_CHILD("an ordinary user can't raise a hard limit", MUST(set(RLIMIT_NOFILE, 20, 25));
			    MUST(!set(RLIMIT_NOFILE, 20, 26) && errno == EPERM));
	else
		SKIP("an ordinary user can't raise a hard limit", "runs as root");
}

static volatile sig_atomic_t seen;

static void on_signal(int sig)
{
	seen = sig;
}

static void enforced(void)
{
	char buf[100] = "";
	int fd;

	CHECK_CHILD("RLIMIT_NOFILE bounds fd numbers", MUST(set_soft(RLIMIT_NOFILE, 10)); while ((fd = dup(0)) >= 0) MUST(fd < 10);
		    MUST(errno == EMFILE); MUST(dup2(0, 10) == -1 && errno == EBADF);
		    MUST(fcntl(0, F_DUPFD, 10) == -1 && errno == EINVAL); MUST(open("/", O_RDONLY) == -1 && errno == EMFILE);
		    int p[2]; MUST(pipe(p) == -1 && errno == EMFILE));
	CHECK_CHILD("fds above a lowered RLIMIT_NOFILE stay usable", MUST(dup2(0, 50) == 50); MUST(set_soft(RLIMIT_NOFILE, 10));
		    MUST(fcntl(50, F_GETFD) == 0 && close(50) == 0));
	fd = open("size", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK_CHILD("RLIMIT_FSIZE cuts a write, then sends SIGXFSZ", signal(SIGXFSZ, on_signal); MUST(set_soft(RLIMIT_FSIZE, 150));
		    MUST(write(fd, buf, 100) == 100 && write(fd, buf, 100) == 50); MUST(seen == 0);
		    MUST(write(fd, buf, 100) == -1 && errno == EFBIG); MUST(seen == SIGXFSZ));
	CHECK_CHILD("RLIMIT_FSIZE holds for truncate", signal(SIGXFSZ, on_signal); MUST(set_soft(RLIMIT_FSIZE, 150));
		    MUST(ftruncate(fd, 200) == -1 && errno == EFBIG && seen == SIGXFSZ));
	CHECK_EQ(IN_CHILD(set_soft(RLIMIT_FSIZE, 0); set_soft(RLIMIT_CORE, 0); ftruncate(fd, 1000)) & 0x7f, SIGXFSZ,
		 "SIGXFSZ kills by default");
	CHECK_CHILD("RLIMIT_AS bounds mappings", MUST(set_soft(RLIMIT_AS, 256 << 20));
		    MUST(mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM));
	CHECK_CHILD("RLIMIT_DATA bounds brk", MUST(set_soft(RLIMIT_DATA, 1 << 20)); MUST(sbrk(64 << 20) == (void *)-1 && errno == ENOMEM));
	close(fd);
	CHECK_EQ(IN_CHILD(MUST(set(RLIMIT_CORE, 0, 0)); MUST(set_soft(RLIMIT_CPU, 1)); for (;;)) & 0x7f, SIGXCPU,
		 "RLIMIT_CPU ends with SIGXCPU");
}

int main(void)
{
	tap_begin();
	reading();
	changing();
	enforced();
	return tap_end();
}
