/* Keys and keyrings, and the calls about security modules: keyctl(2), add_key(2), request_key(2), lsm_list_modules(2). */
#include "../tap.h"

#include <linux/keyctl.h>

#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif

static long ctl(int op, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

static long add(const char *type, const char *desc, const void *data, size_t len, int ring)
{
	return syscall(SYS_add_key, type, desc, data, len, ring);
}

#define PROCESS KEY_SPEC_PROCESS_KEYRING
#define P(x) ((long)(x))

static void adding(void)
{
	char buf[100] = "", want[100];
	long key, ring;

	CHECK_ERRNO(add("none", "a", "x", 1, PROCESS), ENODEV);
	CHECK_ERRNO(add(".user", "a", "x", 1, PROCESS), EPERM);
	CHECK_ERRNO(add("", "a", "x", 1, PROCESS), EINVAL);
	CHECK_ERRNO(add(NULL, "a", "x", 1, PROCESS), EFAULT);
	CHECK_ERRNO(add("user", "a", NULL, 1, PROCESS), EFAULT);
	CHECK_ERRNO(add("user", "a", "x", 0, PROCESS), EINVAL);
	CHECK_ERRNO(add("user", "", "x", 1, PROCESS), EINVAL);
	CHECK_ERRNO(add("user", "a", "x", 1, 0), EINVAL);
	CHECK_ERRNO(add("user", "a", "x", 1, -99), EINVAL);
	CHECK_ERRNO(add("user", "a", "x", 1, 0x7fffffff), ENOKEY);
	CHECK_ERRNO(add("user", "a", "x", 1 << 20, PROCESS), EINVAL);
	CHECK_ERRNO(add("logon", "nocolon", "x", 1, PROCESS), EINVAL);
	CHECK_ERRNO(add("keyring", "a", "x", 1, PROCESS), EINVAL);
	CHECK_ERRNO(add("keyring", ".a", NULL, 0, PROCESS), EPERM);
	key = add("user", "first", "hello", 5, PROCESS);
	CHECK(key > 0, "a key");
	CHECK_EQ(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), 5, "KEYCTL_READ: length");
	CHECK_STR(buf, "hello", "KEYCTL_READ: payload");
	CHECK_EQ(ctl(KEYCTL_READ, key, 0, 0, 0), 5, "KEYCTL_READ of nothing");
	CHECK_EQ(add("user", "first", "world!", 6, PROCESS), key, "add_key of the same name updates");
	CHECK_EQ(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), 6, "its new length");
	CHECK_EQ(ctl(KEYCTL_UPDATE, key, P("abc"), 3, 0), 0, "KEYCTL_UPDATE");
	CHECK_EQ(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), 3, "its newest length");
	CHECK_ERRNO(add("user", "first", "x", 1, key), ENOTDIR);
	snprintf(want, sizeof(want), "user;%d;%d;3f010000;first", geteuid(), getegid());
	CHECK_EQ(ctl(KEYCTL_DESCRIBE, key, P(buf), sizeof(buf), 0), strlen(want) + 1, "KEYCTL_DESCRIBE: length");
	CHECK_STR(buf, want, "KEYCTL_DESCRIBE");
	CHECK_EQ(syscall(SYS_request_key, "user", "first", NULL, 0), key, "request_key finds it");
	CHECK_ERRNO(syscall(SYS_request_key, "user", "second", NULL, 0), ENOKEY);
	ring = add("keyring", "ring", NULL, 0, PROCESS);
	CHECK(ring > 0, "a keyring");
	CHECK_OK(ctl(KEYCTL_LINK, key, ring, 0, 0));
	CHECK_EQ(ctl(KEYCTL_READ, ring, P(buf), sizeof(buf), 0), 4, "it has one link");
	CHECK_EQ(*(int *)buf, key, "which is the key");
	CHECK_EQ(ctl(KEYCTL_SEARCH, ring, P("user"), P("first"), 0), key, "KEYCTL_SEARCH");
	CHECK_ERRNO(ctl(KEYCTL_SEARCH, ring, P("user"), P("none"), 0), ENOKEY);
	CHECK_ERRNO(ctl(KEYCTL_LINK, ring, ring, 0, 0), EDEADLK);
	CHECK_ERRNO(ctl(KEYCTL_LINK, key, key, 0, 0), ENOTDIR);
	CHECK_OK(ctl(KEYCTL_UNLINK, key, ring, 0, 0));
	CHECK_ERRNO(ctl(KEYCTL_UNLINK, key, ring, 0, 0), ENOENT);
	CHECK_OK(ctl(KEYCTL_CLEAR, ring, 0, 0, 0));
	CHECK_ERRNO(ctl(KEYCTL_CLEAR, key, 0, 0, 0), ENOTDIR);
	CHECK_ERRNO(ctl(KEYCTL_UPDATE, ring, P("x"), 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(ctl(KEYCTL_SETPERM, key, -1, 0, 0), EINVAL);
	CHECK_OK(ctl(KEYCTL_SETPERM, key, 0x3d010000, 0, 0));
	CHECK_OK(ctl(KEYCTL_SETPERM, key, 0x25010000, 0, 0));
	CHECK_ERRNO(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), EACCES);
	CHECK_ERRNO(ctl(KEYCTL_SETPERM, key, 0x3f010000, 0, 0), EACCES); /* what cannot be searched is not possessed */
	key = add("user", "third", "x", 1, PROCESS);
	CHECK_OK(ctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
	CHECK_OK(ctl(KEYCTL_REVOKE, key, 0, 0, 0));
	CHECK_ERRNO(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), EKEYREVOKED);
	key = add("logon", "a:b", "secret", 6, PROCESS);
	CHECK(key > 0, "a logon key");
	CHECK_ERRNO(ctl(KEYCTL_READ, key, P(buf), sizeof(buf), 0), EOPNOTSUPP);
	CHECK_ERRNO(ctl(999, 0, 0, 0, 0), EOPNOTSUPP);
}

static void rings(void)
{
	long session = ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0), key;

	CHECK(session > 0, "a new session keyring");
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), session, "is the session's");
	key = add("user", "shared", "s", 1, KEY_SPEC_SESSION_KEYRING);
	CHECK_CHILD("a child has the session's keys", MUST(syscall(SYS_request_key, "user", "shared", NULL, 0) == key));
	CHECK_CHILD("not the process's", MUST(syscall(SYS_request_key, "keyring", "ring", NULL, 0) == -1 && errno == ENOKEY));
	CHECK_CHILD("another session does not possess them", MUST(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) != session);
		    MUST(syscall(SYS_request_key, "user", "shared", NULL, 0) == -1 && errno == ENOKEY);
		    MUST(ctl(KEYCTL_REVOKE, key, 0, 0, 0) == -1 && errno == EACCES));
	CHECK_CHILD("no process keyring unless made", MUST(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 0, 0, 0) == -1 && errno == ENOKEY);
		    MUST(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 1, 0, 0) > 0));
	CHECK_OK(ctl(KEYCTL_INVALIDATE, key, 0, 0, 0));
	CHECK_ERRNO(syscall(SYS_request_key, "user", "shared", NULL, 0), ENOKEY);
	CHECK(strstr(tap_text("/proc/keys"), "keyring") != NULL, "/proc/keys shows keyrings");
	CHECK(strchr(tap_text("/proc/key-users"), ':') != NULL, "/proc/key-users");
}

static void modules(void)
{
	uint64_t ids[32];
	uint32_t size = sizeof(ids), small = 1;

	CHECK(syscall(SYS_lsm_list_modules, ids, &size, 0) >= 1, "there is a module");
	CHECK_ERRNO(syscall(SYS_lsm_list_modules, ids, &size, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_lsm_list_modules, ids, NULL, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_lsm_list_modules, ids, &small, 0), E2BIG);
	CHECK(small >= 8, "the size that was wanted");
}

int main(void)
{
	tap_begin();
	adding();
	rings();
	modules();
	return tap_end();
}
