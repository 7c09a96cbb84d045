/* User and group ids: reading, and changing them as root and as an ordinary user. */
#include "../tap.h"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#define A 1234
#define B 2345
#define C 3456

/* Raw calls: libc's wrappers go through every thread. */
#define setuid(a) syscall(SYS_setuid, a)
#define setgid(a) syscall(SYS_setgid, a)
#define setreuid(a, b) syscall(SYS_setreuid, a, b)
#define setregid(a, b) syscall(SYS_setregid, a, b)
#define setresuid(a, b, c) syscall(SYS_setresuid, a, b, c)
#define setresgid(a, b, c) syscall(SYS_setresgid, a, b, c)
#define setgroups(n, list) syscall(SYS_setgroups, n, list)

static bool uids(uid_t real, uid_t effective, uid_t saved)
{
	uid_t r, e, s;

	return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

static bool gids(gid_t real, gid_t effective, gid_t saved)
{
	gid_t r, e, s;

	return getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
}

static void reading(void)
{
	gid_t groups[1000];
	uid_t uid = getuid();
	gid_t gid = getgid();
	int n = getgroups(0, NULL);

	CHECK(uids(uid, geteuid(), uid), "getresuid agrees with getuid and geteuid");
	CHECK(gids(gid, getegid(), gid), "getresgid agrees with getgid and getegid");
	CHECK(n >= 0 && n <= 65536, "getgroups of 0 counts");
	CHECK_EQ(getgroups(1000, groups), n, "getgroups gives as many");
	CHECK_ERRNO(syscall(SYS_getgroups, -1, groups), EINVAL);
	CHECK_ERRNO(syscall(SYS_getresuid, 8, 8, 8), EFAULT);
	CHECK_EQ(setfsuid(-1), (int)uid, "setfsuid(-1) reads");
	CHECK_EQ(setfsgid(-1), (int)gid, "setfsgid(-1) reads");
	CHECK_OK(setuid(uid));
	CHECK_OK(setgid(gid));
	CHECK_OK(setreuid(-1, -1));
	CHECK_OK(setregid(-1, -1));
	CHECK_OK(setresuid(-1, -1, -1));
	CHECK_OK(setresgid(-1, -1, -1));
	CHECK_ERRNO(setuid(-1), EINVAL);
	CHECK_ERRNO(setgid(-1), EINVAL);
}

static void as_root(void)
{
	gid_t list[3] = {A, B, C}, got[3];

	CHECK_CHILD("setuid of root sets all three", MUST(setuid(A) == 0); MUST(uids(A, A, A)); MUST(setuid(0) == -1 && errno == EPERM));
	CHECK_CHILD("setgid of root sets all three", MUST(setgid(A) == 0); MUST(gids(A, A, A)); MUST(setgid(0) == 0));
	CHECK_CHILD("seteuid can be undone by the saved id", MUST(setresuid(-1, A, -1) == 0); MUST(uids(0, A, 0));
		    MUST(setresuid(-1, 0, -1) == 0); MUST(uids(0, 0, 0)));
	CHECK_CHILD("setresuid sets what it is told", MUST(setresuid(A, B, C) == 0); MUST(uids(A, B, C));
		    MUST(setresuid(C, A, B) == 0); MUST(uids(C, A, B)); MUST(setresuid(0, -1, -1) == -1 && errno == EPERM));
	CHECK_CHILD("setresgid sets what it is told", MUST(setresgid(A, B, C) == 0); MUST(gids(A, B, C)));
	CHECK_CHILD("setreuid moves the saved id along", MUST(setreuid(A, B) == 0); MUST(uids(A, B, B)); MUST(setreuid(B, A) == 0);
		    MUST(uids(B, A, A)));
	CHECK_CHILD("setreuid with one id only", MUST(setreuid(-1, A) == 0); MUST(uids(0, A, A)));
	CHECK_CHILD("setregid moves the saved id along", MUST(setregid(A, B) == 0); MUST(gids(A, B, B)));
	CHECK_CHILD("setuid of a former root sets the effective id", MUST(setresuid(A, B, C) == 0); MUST(setuid(C) == 0); MUST(uids(A, C, C));
		    MUST(setuid(A) == 0); MUST(uids(A, A, C)));
	CHECK_CHILD("setgroups and getgroups", MUST(setgroups(3, list) == 0); MUST(getgroups(3, got) == 3 && !memcmp(list, got, sizeof(got)));
		    MUST(getgroups(2, got) == -1 && errno == EINVAL); MUST(getgroups(0, NULL) == 3));
	CHECK_CHILD("setgroups of none", MUST(setgroups(0, NULL) == 0); MUST(getgroups(0, NULL) == 0));
	CHECK_CHILD("too many groups", MUST(setgroups(65537, list) == -1 && errno == EINVAL));
	CHECK_CHILD("setgroups needs privilege", setuid(A); MUST(setgroups(0, NULL) == -1 && errno == EPERM));
	CHECK_CHILD("groups are inherited", MUST(setgroups(3, list) == 0); MUST(IN_CHILD(MUST(getgroups(3, got) == 3)) == 0));
	CHECK_CHILD("setfsuid gives the old id", MUST(setfsuid(A) == 0); MUST(setfsuid(0) == A); MUST(setfsuid(-1) == 0));
	CHECK_CHILD("the file id follows the effective id", MUST(setresuid(-1, A, -1) == 0); MUST(setfsuid(-1) == A));
	CHECK_CHILD("new files belong to the file ids", chmod(".", 0777); MUST(setgid(B) == 0 && setuid(A) == 0); struct stat st;
		    tap_file("owned", ""); MUST(stat("owned", &st) == 0 && st.st_uid == A && st.st_gid == B));
	CHECK_CHILD("keep-capabilities is cleared by exec or read as 1 here", prctl(PR_SET_KEEPCAPS, 1);
		    MUST(setuid(A) == 0 && prctl(PR_GET_KEEPCAPS) == 1));
	CHECK_CHILD("a change of ids drops dumpable", MUST(prctl(PR_GET_DUMPABLE) == 1); setuid(A); MUST(prctl(PR_GET_DUMPABLE) == 0));
	CHECK_CHILD("a change of ids drops the parent-death signal", prctl(PR_SET_PDEATHSIG, SIGUSR1); setresuid(-1, A, -1);
		    int sig = -1; prctl(PR_GET_PDEATHSIG, &sig); MUST(sig == 0));
}

static void permissions(void)
{
	pid_t root = getpid();
	gid_t group = C;

	tap_file("secret", "s");
	chmod("secret", 0600);
	tap_file("grouped", "g");
	CHECK_OK(chown("grouped", 0, C));
	chmod("grouped", 0640);
	chmod(".", 0755);
	CHECK_CHILD("another user can't read a 0600 file", setgroups(0, NULL); setgid(B); setuid(A);
		    MUST(open("secret", O_RDONLY) == -1 && errno == EACCES));
	CHECK_CHILD("a supplementary group opens a 0640 file", setgroups(1, &group); setgid(B); setuid(A);
		    MUST(open("grouped", O_RDONLY) >= 0); MUST(open("grouped", O_RDWR) == -1 && errno == EACCES));
	CHECK_CHILD("access() asks for the real user", setresuid(A, 0, 0); MUST(access("secret", R_OK) == -1 && errno == EACCES);
		    MUST(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS) == 0));
	CHECK_CHILD("an ordinary user can't signal root", setgid(B); setuid(A); MUST(kill(root, 0) == -1 && errno == EPERM));
	CHECK_CHILD("chown needs privilege", setgid(B); setuid(A); MUST(chown("secret", A, B) == -1 && errno == EPERM));
	CHECK_CHILD("root writes what has no permission bits", chmod("secret", 0); MUST(open("secret", O_RDWR) >= 0));
	CHECK_CHILD("root executes nothing without an x bit", chmod("secret", 0666); MUST(access("secret", X_OK) == -1 && errno == EACCES));
}

static void as_user(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	CHECK_ERRNO(setuid(0), EPERM);
	CHECK_ERRNO(setgid(0), EPERM);
	CHECK_ERRNO(setreuid(0, -1), EPERM);
	CHECK_ERRNO(setregid(-1, 0), EPERM);
	CHECK_ERRNO(setresuid(uid, uid, uid + 1), EPERM);
	CHECK_ERRNO(setresgid(gid, gid + 1, gid), EPERM);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK_EQ(setfsuid(0), (int)uid, "setfsuid gives the old id");
	CHECK_EQ(setfsuid(-1), (int)uid, "and was refused");
	CHECK_CHILD("setresuid among own ids", MUST(setresuid(uid, uid, uid) == 0 && uids(uid, uid, uid)));
	tap_file("none", "x");
	chmod("none", 0);
	CHECK_ERRNO(open("none", O_RDONLY), EACCES);
	CHECK_ERRNO(chown("none", 0, 0), EPERM);
	CHECK_OK(chown("none", uid, gid));
}

int main(void)
{
	tap_begin();
	reading();
	if (tap_is_root()) {
		as_root();
		permissions();
	} else {
		as_user();
	}
	return tap_end();
}
