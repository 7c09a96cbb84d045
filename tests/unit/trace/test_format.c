/* Lines as strace(1) prints them. */
#include <criterion/criterion.h>

#include "abi/epoll.h"
#include "abi/fcntl.h"
#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/poll.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "abi/stat.h"
#include "abi/time.h"
#include "abi/types.h"
#include "abi/uio.h"
#include "abi/un.h"
#include "abi/wait.h"
#include "memory.h"

#define expect_line(line, text) cr_expect_str_eq(line, text)

Test(format, scalars_and_results)
{
	struct fake_memory m = { 0 };

	expect_line(LINE(&m, "close", 0, 3), "close(3) = 0");
	expect_line(LINE(&m, "close", -9, 0xdead0000ffffffffull), "close(-1) = -1 EBADF (Bad file descriptor)");
	expect_line(LINE(&m, "getpid", 7), "getpid() = 7");
	expect_line(LINE(&m, "exit_group", 0, 3), "exit_group(3) = ?");
	expect_line(LINE(&m, "brk", 0x5000, 0), "brk(NULL) = 0x5000");
	expect_line(LINE(&m, "pause", -514), "pause() = ? ERESTARTNOHAND");
	expect_line(LINE(&m, "munmap", -602, 0x1000, 4096), "munmap(0x1000, 4096) = ?");
	expect_line(LINE(&m, "lseek", 5, 3, (uint64_t)-1, LX_SEEK_END), "lseek(3, -1, SEEK_END) = 5");
}

Test(format, unknown_numbers)
{
	struct fake_memory m = { 0 };
	struct trace_memory mem = { fake_read, &m };
	struct sysargs a = { .nr = 0x3fff };
	char text[100];
	struct trace_buf b;

	trace_buf_init(&b, text, sizeof(text));
	trace_format_entry(&b, syscall_row(a.nr), &a, &mem);
	trace_format_exit(&b, syscall_row(a.nr), &a, -38, &mem);
	expect_line(text, "syscall_0x3fff() = -1 ENOSYS (Function not implemented)");
}

Test(format, opens)
{
	struct fake_memory m = { 0 };
	uint64_t path = PUT_STR(&m, "/etc/pass\n\"wd\x01");

	expect_line(LINE(&m, "openat", 3, (uint32_t)LX_AT_FDCWD, path, LX_O_CLOEXEC, 0777),
		    "openat(AT_FDCWD, \"/etc/pass\\n\\\"wd\\1\", O_RDONLY|O_CLOEXEC) = 3");
	expect_line(LINE(&m, "open", 3, path, LX_O_RDWR | LX_O_CREAT | LX_O_SYNC, 0644),
		    "open(\"/etc/pass\\n\\\"wd\\1\", O_RDWR|O_CREAT|O_SYNC, 0644) = 3");
	expect_line(LINE(&m, "openat", -14, 5, 0x666, LX_O_WRONLY | LX_O_TMPFILE | 1u << 30, 0600),
		    "openat(5, 0x666, O_WRONLY|O_TMPFILE|0x40000000, 0600) = -1 EFAULT (Bad address)");
	expect_line(LINE(&m, "unlink", -14, 0), "unlink(NULL) = -1 EFAULT (Bad address)");
}

Test(format, buffers_show_what_was_moved)
{
	struct fake_memory m = { 0 };
	char big[200];
	uint64_t small = PUT_STR(&m, "hello"), large;

	memset(big, 'x', sizeof(big));
	large = PUT(&m, big);
	expect_line(LINE(&m, "write", 5, 1, small, 5), "write(1, \"hello\", 5) = 5");
	expect_line(LINE(&m, "read", 3, 0, small, 100), "read(0, \"hel\", 100) = 3");
	expect_line(LINE(&m, "read", 0, 0, small, 100), "read(0, \"\", 100) = 0");
	expect_line(LINE(&m, "read", -4, 0, 0x1234, 100), "read(0, 0x1234, 100) = -1 EINTR (Interrupted system call)");
	expect_line(LINE(&m, "write", 200, 1, large, 200),
		    "write(1, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., 200) = 200");
}

Test(format, strings_at_the_end_of_a_mapping)
{
	struct fake_memory m = { 0 };

	memcpy(m.bytes + MEM_SIZE - 4, "end", 4);
	expect_line(LINE(&m, "rmdir", 0, MEM_BASE + MEM_SIZE - 4), "rmdir(\"end\") = 0");
	memcpy(m.bytes + MEM_SIZE - 4, "endx", 4);
	expect_line(LINE(&m, "rmdir", -14, MEM_BASE + MEM_SIZE - 4), "rmdir(0x11ffc) = -1 EFAULT (Bad address)");
}

Test(format, memory_calls)
{
	struct fake_memory m = { 0 };

	expect_line(LINE(&m, "mmap", 0x7f0000000000, 0, 8192, LX_PROT_READ | LX_PROT_WRITE, LX_MAP_PRIVATE | LX_MAP_ANONYMOUS, 0xffffffff, 0),
		    "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000");
	expect_line(LINE(&m, "mmap", -12, 0x1000, 8192, 0, LX_MAP_SHARED_VALIDATE | LX_MAP_FIXED, 3, 0x1000),
		    "mmap(0x1000, 8192, PROT_NONE, MAP_SHARED_VALIDATE|MAP_FIXED, 3, 0x1000) = -1 ENOMEM (Cannot allocate memory)");
	expect_line(LINE(&m, "madvise", 0, 0x1000, 4096, LX_MADV_DONTNEED), "madvise(0x1000, 4096, MADV_DONTNEED) = 0");
}

Test(format, structures)
{
	struct fake_memory m = { 0 };
	struct lx_stat st = { .st_mode = LX_S_IFREG | 0644, .st_size = 42 };
	struct lx_stat tty = { .st_mode = LX_S_IFCHR | 0620, .st_rdev = lx_makedev(136, 3) };
	struct lx_timespec ts = { 1, 500 };
	struct lx_rlimit rl = { 8192 * 1024, LX_RLIM_INFINITY };

	expect_line(LINE(&m, "fstat", 0, 3, PUT(&m, st)), "fstat(3, {st_mode=S_IFREG|0644, st_size=42, ...}) = 0");
	expect_line(LINE(&m, "fstat", 0, 3, PUT(&m, tty)), "fstat(3, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x3), ...}) = 0");
	expect_line(LINE(&m, "nanosleep", 0, PUT(&m, ts), 0), "nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
	expect_line(LINE(&m, "prlimit64", 0, 0, LX_RLIMIT_STACK, 0, PUT(&m, rl)),
		    "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0");
	expect_line(LINE(&m, "clock_gettime", 0, LX_CLOCK_MONOTONIC, PUT(&m, ts)),
		    "clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=500}) = 0");
}

Test(format, signals)
{
	struct fake_memory m = { 0 };
	struct lx_sigaction act = { .handler = 0x4000, .flags = LX_SA_RESTORER | LX_SA_RESTART, .restorer = 0x5000,
				    .mask = LX_SIGMASK(LX_SIGINT) | LX_SIGMASK(34) };
	uint64_t all = ~0ull & ~LX_SIGMASK(LX_SIGKILL);
	int32_t killed = LX_SIGSEGV | LX_WCOREFLAG, exited = 3 << 8;

	expect_line(LINE(&m, "rt_sigaction", 0, LX_SIGCHLD, PUT(&m, act), 0, 8),
		    "rt_sigaction(SIGCHLD, {sa_handler=0x4000, sa_mask=[INT RT_2], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x5000}, "
		    "NULL, 8) = 0");
	expect_line(LINE(&m, "rt_sigprocmask", 0, LX_SIG_SETMASK, PUT(&m, all), 0, 8),
		    "rt_sigprocmask(SIG_SETMASK, ~[KILL], NULL, 8) = 0");
	expect_line(LINE(&m, "kill", 0, (uint64_t)-1, 99), "kill(-1, 99) = 0");
	expect_line(LINE(&m, "wait4", 5, (uint64_t)-1, PUT(&m, exited), 0, 0),
		    "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 5");
	expect_line(LINE(&m, "wait4", 5, (uint64_t)-1, PUT(&m, killed), 0, 0),
		    "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 5");
}

Test(format, siginfo)
{
	struct lx_siginfo chld = { .si_signo = LX_SIGCHLD, .si_code = LX_CLD_EXITED, .u.chld = { .pid = 7, .status = 2 } };
	struct lx_siginfo segv = { .si_signo = LX_SIGSEGV, .si_code = LX_SEGV_MAPERR };
	char text[300];
	struct trace_buf b;

	trace_buf_init(&b, text, sizeof(text));
	trace_format_signal(&b, &chld);
	expect_line(text, "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=2} ---");
	trace_buf_init(&b, text, sizeof(text));
	trace_format_signal(&b, &segv);
	expect_line(text, "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---");
}

Test(format, processes)
{
	struct fake_memory m = { 0 };
	uint64_t arg[] = { PUT_STR(&m, "ls"), PUT_STR(&m, "-l"), 0 };
	uint64_t argv = PUT(&m, arg);
	struct lx_clone_args args = { .flags = LX_CLONE_VM | LX_CLONE_VFORK, .exit_signal = LX_SIGCHLD, .stack = 0x9000, .stack_size = 0x1000 };

	expect_line(LINE(&m, "execve", 0, arg[0], argv, argv + 8), "execve(\"ls\", [\"ls\", \"-l\"], 0x10018 /* 1 var */) = 0");
	expect_line(LINE(&m, "clone", 8, LX_CLONE_CHILD_SETTID | LX_SIGCHLD, 0, 0, 0x100, 0),
		    "clone(CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x100, 0) = 8");
	expect_line(LINE(&m, "clone3", 8, PUT(&m, args), sizeof(args)),
		    "clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x9000, stack_size=0x1000}, 88) = 8");
	expect_line(LINE(&m, "futex", -11, 0x100, LX_FUTEX_WAIT | LX_FUTEX_PRIVATE_FLAG, 2, 0, 0, 0),
		    "futex(0x100, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0) = -1 EAGAIN (Resource temporarily unavailable)");
	expect_line(LINE(&m, "futex", 1, 0x100, LX_FUTEX_CMP_REQUEUE, 1, 7, 0x200, 5), "futex(0x100, FUTEX_CMP_REQUEUE, 1, 7, 0x200, 0x5) = 1");
}

Test(format, polling)
{
	struct fake_memory m = { 0 };
	struct lx_pollfd p[2] = { { 3, LX_POLLIN, 0 }, { 4, LX_POLLOUT, LX_POLLOUT | LX_POLLHUP } };
	struct lx_epoll_event ev = { LX_EPOLLIN | LX_EPOLLET, 7 };
	uint64_t set = 0x9;

	expect_line(LINE(&m, "poll", 1, PUT(&m, p), 2, (uint64_t)-1),
		    "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1 ([{fd=4, revents=POLLOUT|POLLHUP}])");
	expect_line(LINE(&m, "epoll_ctl", 0, 3, LX_EPOLL_CTL_ADD, 4, PUT(&m, ev)),
		    "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data=0x7}) = 0");
	expect_line(LINE(&m, "epoll_wait", 1, 3, PUT(&m, ev), 8, 100),
		    "epoll_wait(3, [{events=EPOLLIN|EPOLLET, data=0x7}], 8, 100) = 1");
	expect_line(LINE(&m, "select", 2, 4, PUT(&m, set), 0, 0, 0), "select(4, [0 3], NULL, NULL, NULL) = 2 ([0 3])");
}

Test(format, sockets)
{
	struct fake_memory m = { 0 };
	struct lx_sockaddr_un un = { LX_AF_UNIX, "/run/x" }, abstract = { LX_AF_UNIX, "\0abc" };
	struct lx_sockaddr_in in = { LX_AF_INET, 0x5000, 0x0100007f, { 0 } };
	struct lx_iovec iov = { PUT_STR(&m, "data"), 4 };
	struct {
		struct lx_cmsghdr h;
		int32_t fd[2];
	} control = { { 24, LX_SOL_SOCKET, LX_SCM_RIGHTS }, { 5, 6 } };
	struct lx_msghdr msg = { .msg_iov = PUT(&m, iov), .msg_iovlen = 1, .msg_control = PUT(&m, control), .msg_controllen = 24 };
	uint32_t len = 6;
	int32_t one = 1;
	uint64_t lenp = PUT(&m, len);

	expect_line(LINE(&m, "socket", 3, LX_AF_UNIX, LX_SOCK_STREAM | LX_SOCK_CLOEXEC, 0), "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3");
	expect_line(LINE(&m, "connect", 0, 3, PUT(&m, un), 110), "connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 110) = 0");
	expect_line(LINE(&m, "bind", 0, 3, PUT(&m, in), 16),
		    "bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0");
	expect_line(LINE(&m, "getsockname", 0, 3, PUT(&m, abstract), lenp), "getsockname(3, {sa_family=AF_UNIX, sun_path=@\"abc\"}, [6]) = 0");
	expect_line(LINE(&m, "setsockopt", 0, 3, LX_SOL_SOCKET, LX_SO_PASSCRED, PUT(&m, one), 4),
		    "setsockopt(3, SOL_SOCKET, SO_PASSCRED, [1], 4) = 0");
	expect_line(LINE(&m, "sendmsg", 4, 3, PUT(&m, msg), LX_MSG_NOSIGNAL),
		    "sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"data\", iov_len=4}], msg_iovlen=1, "
		    "msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5, 6]}], "
		    "msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 4");
}

Test(format, a_long_line_is_cut_not_overrun)
{
	char text[16], guard[4] = "abc";
	struct trace_buf b;

	trace_buf_init(&b, text, sizeof(text));
	for (int i = 0; i < 10; i++)
		trace_put(&b, "12345");
	cr_expect_str_eq(text, "123451234512...");
	cr_expect_str_eq(guard, "abc");
}

/* Whatever the registers hold, every call gets a line. */
Test(format, survives_every_row_with_wild_arguments)
{
	static const uint64_t wild[] = { 0, 1, MEM_BASE, MEM_BASE + MEM_SIZE - 3, 0x7fffffff, UINT64_MAX, 1ull << 63, 4096 };
	struct fake_memory m;

	for (size_t fill = 0; fill < 3; fill++) {
		memset(&m, fill == 0 ? 0 : fill == 1 ? 0xff : 0x41, sizeof(m));
		for (int nr = 0; nr < LX_NR_COUNT; nr++) {
			if (syscall_row(nr)->level == SYSCALL_ABSENT)
				continue;
			for (size_t i = 0; i < 8 * 8; i++) {
				uint64_t v[6];
				for (int j = 0; j < 6; j++)
					v[j] = wild[(i + (size_t)j * (i / 8 + 1)) % 8];
				cr_assert(strlen(fake_line(&m, syscall_row(nr)->name, (int64_t)wild[i % 8], v)) > 0);
			}
		}
	}
}
