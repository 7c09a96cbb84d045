/* Programs with set-id bits, and what an exec does to capabilities: this program runs copies of itself. */
#include "../tap.h"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <linux/capability.h>

struct seen {
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;
	int secure, dumpable, keep;
	uint32_t permitted, effective, inheritable;
};

/* The copy's part: says what it is. */
static int tell(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	struct seen s;

	memset(&s, 0, sizeof(s));
	getresuid(&s.uid, &s.euid, &s.suid);
	getresgid(&s.gid, &s.egid, &s.sgid);
	s.secure = (int)getauxval(AT_SECURE);
	s.dumpable = prctl(PR_GET_DUMPABLE);
	s.keep = prctl(PR_GET_KEEPCAPS);
	syscall(SYS_capget, &h, d);
	s.permitted = d[0].permitted;
	s.effective = d[0].effective;
	s.inheritable = d[0].inheritable;
	return write(3, &s, sizeof(s)) == sizeof(s) ? 0 : 1;
}

static struct seen seen;

/* Runs the copy as uid 1000, gid 1000, after `before`. */
#define RUN(path, ...) do { \
	int p_[2]; \
	MUST(pipe(p_) == 0); \
	pid_t pid_ = tap_fork(); \
	if (pid_ == 0) { \
		MUST(dup2(p_[1], 3) == 3); \
		__VA_ARGS__; \
		execl(path, path, "tell", NULL); \
		_exit(99); \
	} \
	close(p_[1]); \
	memset(&seen, 0xff, sizeof(seen)); \
	CHECK_EQ(read(p_[0], &seen, sizeof(seen)), (long)sizeof(seen), "%s ran", path); \
	close(p_[0]); \
	tap_wait(pid_); \
} while (0)
#define BE_USER MUST(setgroups_none() == 0 && setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0)

static int setgroups_none(void)
{
	return (int)syscall(SYS_setgroups, 0, NULL);
}

static void copy_to(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		MUST(write(to, buf, (size_t)n) == n);
	close(from);
	close(to);
	MUST(chown(name, uid, gid) == 0 && chmod(name, mode) == 0);
}

static void set_ids(void)
{
	RUN("./plain", BE_USER);
	CHECK(seen.euid == 1000 && seen.egid == 1000 && !seen.secure && seen.permitted == 0, "a plain program changes nothing");
	CHECK_EQ(seen.dumpable, 1, "and may be looked at");
	RUN("./suid", BE_USER);
	CHECK(seen.uid == 1000 && seen.euid == 0 && seen.suid == 0, "set-user-id: the owner's rights");
	CHECK_EQ(seen.secure, 1, "AT_SECURE says so");
	CHECK_EQ(seen.dumpable, 0, "and nobody looks");
	CHECK(seen.permitted != 0 && seen.effective == seen.permitted, "root's capabilities come with it");
	RUN("./suid2", BE_USER);
	CHECK(seen.uid == 1000 && seen.euid == 2000 && seen.suid == 2000 && seen.permitted == 0, "another user's program");
	RUN("./sgid", BE_USER);
	CHECK(seen.euid == 1000 && seen.gid == 1000 && seen.egid == 3000 && seen.sgid == 3000 && seen.secure == 1, "set-group-id");
	RUN("./mandatory", BE_USER);
	CHECK(seen.egid == 1000 && !seen.secure, "not where the group may not run it");
	RUN("./suid", BE_USER; MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0));
	CHECK(seen.euid == 1000 && !seen.secure && seen.permitted == 0, "no_new_privs: no rights of the owner's");
	RUN("./suid2");
	CHECK(seen.uid == 0 && seen.euid == 2000 && seen.secure == 1, "root can be less");
	CHECK(seen.effective == 0 && seen.permitted != 0, "and has its capabilities in store only");
	RUN("./script", BE_USER);
	CHECK(seen.euid == 1000, "a script's bits are nothing");
}

static void capabilities(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	RUN("./plain", MUST(prctl(PR_SET_KEEPCAPS, 1) == 0); BE_USER);
	CHECK(seen.permitted == 0 && seen.effective == 0, "kept capabilities end at an exec");
	CHECK_EQ(seen.keep, 0, "as does the keeping");
	RUN("./plain", MUST(syscall(SYS_capset, &h, none) == 0));
	CHECK(seen.euid == 0 && seen.permitted != 0 && seen.effective == seen.permitted, "root has all again");
	RUN("./plain", MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME) == 0); MUST(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == 0));
	CHECK(!(seen.permitted & (1u << CAP_CHOWN)), "but for what the bounding set has lost");
	RUN("./plain", MUST(prctl(PR_SET_SECUREBITS, 1) == 0));
	CHECK(seen.permitted == 0 && seen.effective == 0, "SECBIT_NOROOT: root is nobody");
}

static void ambient(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1u << CAP_CHOWN, 1u << CAP_CHOWN, 1u << CAP_CHOWN }, { 0 } };

	RUN("./plain", MUST(prctl(PR_SET_KEEPCAPS, 1) == 0); BE_USER; MUST(syscall(SYS_capset, &h, d) == 0);
	    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0));
	CHECK(seen.permitted == 1u << CAP_CHOWN && seen.effective == 1u << CAP_CHOWN, "ambient capabilities come along");
	CHECK_EQ(seen.secure, 0, "and are no secret");
	RUN("./suid2", MUST(prctl(PR_SET_KEEPCAPS, 1) == 0); BE_USER; MUST(syscall(SYS_capset, &h, d) == 0);
	    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0));
	CHECK(seen.permitted == 0, "but not through a set-id program");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "tell"))
		return tell();
	tap_begin();
	if (!tap_is_root()) {
		SKIP("set-id programs", "only root can make another user's");
		return tap_end();
	}
	MUST(chmod(".", 0755) == 0);
	copy_to("plain", 0, 0, 0755);
	copy_to("suid", 0, 0, 04755);
	copy_to("suid2", 2000, 0, 04755);
	copy_to("sgid", 0, 3000, 02755);
	copy_to("mandatory", 0, 3000, 02745);
	tap_file("script", "#!./plain tell\n");
	MUST(chmod("script", 04755) == 0);
	set_ids();
	capabilities();
	ambient();
	return tap_end();
}
