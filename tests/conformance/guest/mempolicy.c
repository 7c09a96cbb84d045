/* NUMA policies of a task and of mappings, and moving of pages, on whatever node 0 is. */
#include "../tap.h"

#include <sys/mman.h>

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY };
enum { F_NODE = 1, F_ADDR = 2, F_MEMS_ALLOWED = 4, STATIC = 0x8000, RELATIVE = 0x4000, BALANCING = 0x2000 };
enum { MF_STRICT = 1, MF_MOVE = 2, MF_MOVE_ALL = 4 };

static unsigned long zero[16] = { 1 }, none[16], other[16] = { 1UL << 40 };
static unsigned long seen[16];
static int mode;

static long set(long m, void *nodes, unsigned long max) { return syscall(SYS_set_mempolicy, m, nodes, max); }
static long get(int *m, void *nodes, unsigned long max, void *addr, unsigned long flags)
{
	return syscall(SYS_get_mempolicy, m, nodes, max, addr, flags);
}
static long bind(void *p, unsigned long len, long m, void *nodes, unsigned long max, unsigned long flags)
{
	return syscall(SYS_mbind, p, len, m, nodes, max, flags);
}

static void of_the_task(void)
{
	CHECK_OK(set(DEFAULT, NULL, 0));
	CHECK_ERRNO(set(DEFAULT, zero, 2), EINVAL);
	CHECK_OK(set(DEFAULT, none, 2));
	CHECK_OK(set(PREFERRED, zero, 2));
	CHECK_OK(set(PREFERRED, NULL, 0));
	CHECK_OK(set(BIND, zero, 2));
	CHECK_ERRNO(set(BIND, none, 2), EINVAL);
	CHECK_ERRNO(set(BIND, NULL, 0), EINVAL);
	CHECK_OK(set(INTERLEAVE, zero, 64));
	CHECK_ERRNO(set(INTERLEAVE, NULL, 0), EINVAL);
	CHECK_OK(set(LOCAL, NULL, 0));
	CHECK_ERRNO(set(LOCAL, zero, 2), EINVAL);
	CHECK_OK(set(PREFERRED_MANY, zero, 2));
	CHECK_ERRNO(set(77, zero, 2), EINVAL);
	CHECK_ERRNO(set(-1, NULL, 0), EINVAL);
	CHECK_ERRNO(set(BIND, other, 64), EINVAL);
	CHECK_ERRNO(set(BIND, zero, 1), EINVAL);
	CHECK_ERRNO(set(BIND, zero, 0), EINVAL);
	CHECK_ERRNO(set(BIND, (void *)8, 2), EFAULT);
	CHECK_ERRNO(set(BIND, zero, 100000), EINVAL);
	CHECK_OK(set(BIND | STATIC, zero, 2));
	CHECK_OK(set(BIND | RELATIVE, zero, 2));
	CHECK_ERRNO(set(BIND | STATIC | RELATIVE, zero, 2), EINVAL);
	CHECK_ERRNO(set(PREFERRED | STATIC, NULL, 0), EINVAL);
	CHECK_ERRNO(set(LOCAL | STATIC, NULL, 0), EINVAL);
	CHECK_OK(set(BIND | BALANCING, zero, 2));
	CHECK_ERRNO(set(INTERLEAVE | BALANCING, zero, 2), EINVAL);
}

static void shown(void *p)
{
	CHECK_OK(set(BIND, zero, 2));
	CHECK_OK(get(&mode, seen, 1024, NULL, 0));
	CHECK(mode == BIND && seen[0] == 1, "the policy reads back");
	CHECK_CHILD("a child inherits it", MUST(get(&mode, seen, 1024, NULL, 0) == 0 && mode == BIND));
	CHECK_OK(set(BIND | STATIC, zero, 2));
	CHECK_OK(get(&mode, NULL, 0, NULL, 0));
	CHECK_EQ(mode, BIND | STATIC, "with its flags");
	CHECK_OK(set(PREFERRED, NULL, 0));
	CHECK_OK(get(&mode, seen, 1024, NULL, 0));
	CHECK(mode == LOCAL && seen[0] == 0, "preferred without a node is local");
	CHECK_OK(set(INTERLEAVE, zero, 2));
	CHECK_OK(get(&mode, NULL, 0, NULL, F_NODE));
	CHECK_EQ(mode, 0, "the next node of an interleave");
	CHECK_OK(set(DEFAULT, NULL, 0));
	CHECK_OK(get(NULL, seen, 1024, NULL, F_MEMS_ALLOWED));
	CHECK_EQ(seen[0] & 1, 1, "node 0 is allowed");
	CHECK_OK(get(&mode, NULL, 0, p, F_ADDR | F_NODE));
	CHECK_EQ(mode, 0, "a page is on node 0");
	CHECK_ERRNO(get(NULL, seen, 1024, NULL, F_MEMS_ALLOWED | F_NODE), EINVAL);
	CHECK_ERRNO(get(&mode, NULL, 0, NULL, F_ADDR), EFAULT);
	CHECK_ERRNO(get(&mode, NULL, 0, p, 0), EINVAL);
	CHECK_ERRNO(get(&mode, NULL, 0, NULL, F_NODE), EINVAL);
	CHECK_ERRNO(get(&mode, NULL, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(get(NULL, seen, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(get((int *)8, NULL, 0, NULL, 0), EFAULT);
	CHECK_ERRNO(get(NULL, (void *)8, 1024, NULL, 0), EFAULT);
	CHECK_OK(get(NULL, NULL, 0, NULL, 0));
}

static void of_mappings(char *p)
{
	CHECK_OK(bind(p, 4096, BIND, zero, 2, 0));
	CHECK_OK(get(&mode, seen, 1024, p, F_ADDR));
	CHECK(mode == BIND && seen[0] == 1, "mbind reads back");
	CHECK_OK(get(&mode, seen, 1024, p + 4096, F_ADDR));
	CHECK_EQ(mode, DEFAULT, "the next page has none");
	CHECK_OK(bind(p, 4096, BIND, zero, 2, MF_STRICT | MF_MOVE));
	CHECK_OK(bind(p, 0, BIND, zero, 2, 0));
	CHECK_OK(bind(p, 4096, LOCAL, NULL, 0, 0));
	CHECK_ERRNO(bind(p + 1, 4096, DEFAULT, NULL, 0, 0), EINVAL);
	CHECK_ERRNO(bind(p, 4096, 77, zero, 2, 0), EINVAL);
	CHECK_ERRNO(bind(p, 4096, BIND, zero, 2, 8), EINVAL);
	CHECK_ERRNO(bind(p, 4096, BIND, NULL, 0, 0), EINVAL);
	CHECK_ERRNO(bind(p, 4096, DEFAULT, zero, 2, 0), EINVAL);
	CHECK_ERRNO(bind(p, -4096UL, BIND, zero, 2, 0), EINVAL);
	CHECK_ERRNO(bind((void *)4096, 4096, BIND, zero, 2, 0), EFAULT);
	CHECK_ERRNO(bind(p, 1UL << 40, BIND, zero, 2, 0), EFAULT);
	CHECK_OK(bind(p, 4096, BIND, zero, 2, 0));
	CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p + 1, 4096UL, 0UL, 0UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, 4096UL, 0UL, 1UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, 4096UL, 5000UL, 0UL), EINVAL);
	CHECK_OK(syscall(SYS_set_mempolicy_home_node, p, 0UL, 0UL, 0UL));
	CHECK_OK(bind(p, 4096, PREFERRED, zero, 2, 0));
	CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, 4096UL, 0UL, 0UL), EOPNOTSUPP);
	CHECK_OK(bind(p, 4096, DEFAULT, NULL, 0, 0));
	CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, 4096UL, 0UL, 0UL), ENOENT);
}

static void moves(char *p)
{
	void *page[2] = { p, (void *)4096 };
	int node[2] = { 0, 0 }, status[2] = { 9, 9 }, absent = 999, wrong = -1;

	p[0] = 1;
	CHECK_OK(syscall(SYS_move_pages, 0, 2UL, page, NULL, status, 0));
	CHECK(status[0] == 0 && status[1] == -EFAULT, "where pages are");
	CHECK_OK(syscall(SYS_move_pages, getpid(), 1UL, page, node, status, MF_MOVE));
	CHECK_OK(syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, 0));
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, page, &absent, status, 0), ENODEV);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, page, &wrong, status, 0), ENODEV);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, page, node, status, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_move_pages, 0x3ffffff, 1UL, page, node, status, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, 8, NULL, status, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, page, 8, status, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, page, NULL, 8, 0), EFAULT);
	CHECK_OK(syscall(SYS_migrate_pages, 0, 2UL, zero, zero));
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 2UL, zero, none), EINVAL);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0x3ffffff, 2UL, zero, zero), ESRCH);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 2UL, 8, zero), EFAULT);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 100000UL, zero, zero), EINVAL);
}

int main(void)
{
	char *p;

	tap_begin();
	p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (set(DEFAULT, NULL, 0) < 0 && errno == ENOSYS) {
		SKIP("NUMA policies", "not offered");
		return tap_end();
	}
	of_the_task();
	shown(p);
	of_mappings(p);
	moves(p);
	return tap_end();
}
