/* Ipc namespaces: each has its own queues, semaphores and shared memory, which end with it. ipc_namespaces(7). */
#include "../tap.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x50494b31

/* The three kinds, each by the same few verbs. */
static int msg_make(key_t key, int flags)
{
	return msgget(key, flags);
}

static int sem_make(key_t key, int flags)
{
	return semget(key, 3, flags);
}

static int shm_make(key_t key, int flags)
{
	return shmget(key, 8192, flags);
}

static int msg_ctl(int id, int cmd, void *buf)
{
	return msgctl(id, cmd, buf);
}

static int sem_ctl(int id, int cmd, void *buf)
{
	return semctl(id, 0, cmd, buf);
}

static int shm_ctl(int id, int cmd, void *buf)
{
	return shmctl(id, cmd, buf);
}

static const struct kind {
	const char *name;
	int (*make)(key_t, int);
	int (*ctl)(int, int, void *);
	int info, stat;
} kinds[] = {
	{"queue", msg_make, msg_ctl, MSG_INFO, MSG_STAT},
	{"set", sem_make, sem_ctl, SEM_INFO, SEM_STAT},
	{"segment", shm_make, shm_ctl, SHM_INFO, SHM_STAT},
};

/* How many objects a kind has here, by asking for each index. */
static int count(const struct kind *k)
{
	char buf[512];
	int n = 0, top = k->ctl(0, k->info, buf);

	for (int i = 0; i <= top; i++)
		n += k->ctl(i, k->stat, buf) >= 0;
	return n;
}

static ino_t ns_number(void)
{
	struct stat st;

	return stat("/proc/self/ns/ipc", &st) < 0 ? 0 : st.st_ino;
}

static void fresh(const struct kind *k)
{
	char buf[512];
	int id;

	CHECK_EQ(count(k), 0, "no %s at first", k->name);
	CHECK_EQ(k->make(KEY, 0), -1, "no %s by that key", k->name);
	CHECK_EQ(errno, ENOENT, "ENOENT");
	id = k->make(KEY, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0, "a %s", k->name);
	CHECK_EQ(k->make(KEY, 0), id, "found by its key");
	CHECK_EQ(k->make(KEY, IPC_CREAT | IPC_EXCL | 0600), -1, "but once");
	CHECK_EQ(errno, EEXIST, "EEXIST");
	CHECK_EQ(k->ctl(id, IPC_STAT, buf), 0, "IPC_STAT");
	CHECK_EQ(count(k), 1, "one %s", k->name);
}

/* What is made in a new namespace is not seen from the old one, nor the other way. */
static void apart(const struct kind *k)
{
	int id = k->make(KEY, 0), both[2];
	char buf[512];

	pipe(both);
	CHECK_CHILD("in a namespace below", {
		int inner;
		MUST(unshare(CLONE_NEWIPC) == 0);
		MUST(count(k) == 0);
		MUST(k->make(KEY, 0) == -1 && errno == ENOENT);
		inner = k->make(KEY, IPC_CREAT | 0600);
		MUST(inner >= 0 && count(k) == 1);
		MUST(k->ctl(inner, IPC_STAT, buf) == 0);
		MUST(k->make(IPC_PRIVATE, 0600) >= 0 && count(k) == 2);
		MUST(write(both[1], &inner, sizeof(inner)) == sizeof(inner));
	});
	close(both[0]);
	close(both[1]);
	CHECK_EQ(count(k), 1, "the %s out here is alone", k->name);
	CHECK_EQ(k->make(KEY, 0), id, "and the same");
	CHECK_CHILD("with clone(2) too", {
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(count(k) == 0 && k->make(KEY, 0) == -1 ? 0 : 1);
		MUST(tap_wait(pid) == 0);
	});
}

static void removed(const struct kind *k)
{
	char buf[512];
	int id = k->make(KEY, 0);

	CHECK_EQ(k->ctl(id, IPC_RMID, buf), 0, "IPC_RMID of the %s", k->name);
	CHECK_EQ(k->make(KEY, 0), -1, "its key is free");
	CHECK_EQ(k->ctl(id, IPC_STAT, buf), -1, "its id is of nothing");
	CHECK_EQ(count(k), 0, "none is left");
}

/* What is mapped lasts longer than its namespace. */
static void mapped(void)
{
	int id, old = open("/proc/self/ns/ipc", O_RDONLY);
	struct shmid_ds ds;
	char *at;

	CHECK_EQ(unshare(CLONE_NEWIPC), 0, "unshare");
	id = shmget(IPC_PRIVATE, 4096, 0600);
	at = shmat(id, NULL, 0);
	CHECK(at != (void *)-1, "attached");
	strcpy(at, "text");
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1, "one attachment");
	CHECK_EQ(setns(old, CLONE_NEWIPC), 0, "back");
	CHECK_EQ(count(&kinds[2]), 0, "no segment here");
	CHECK_STR(at, "text", "still mapped");
	CHECK_EQ(shmdt(at), 0, "detached");
	CHECK_ERRNO(setns(old, CLONE_NEWUTS), EINVAL);
	close(old);
}

/* A call that waits ends when its object does, also with the namespace's last task elsewhere. */
static void entering(void)
{
	int to[2], back[2], fd, set;
	char path[64];
	pid_t pid;

	pipe(to);
	pipe(back);
	pid = tap_fork();
	if (pid == 0) {
		MUST(unshare(CLONE_NEWIPC) == 0);
		set = semget(KEY, 1, IPC_CREAT | 0600);
		MUST(semctl(set, 0, SETVAL, 7) == 0);
		tap_signal_fd(back[1]);
		tap_await_fd(to[0]);
		MUST(semctl(set, 0, GETVAL) == 9);
		_exit(0);
	}
	tap_await_fd(back[0]);
	CHECK_EQ(semget(KEY, 1, 0), -1, "nothing by that key here");
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	fd = open(path, O_RDONLY);
	CHECK_CHILD("in its namespace", {
		MUST(setns(fd, CLONE_NEWIPC) == 0);
		MUST((set = semget(KEY, 1, 0)) >= 0);
		MUST(semctl(set, 0, GETVAL) == 7);
		MUST(semctl(set, 0, SETVAL, 9) == 0);
	});
	tap_signal_fd(to[1]);
	CHECK_EQ(tap_wait(pid), 0, "it sees what was done");
	CHECK_CHILD("the namespace is there while a file is", {
		MUST(setns(fd, CLONE_NEWIPC) == 0);
		MUST(semctl(semget(KEY, 1, 0), 0, GETVAL) == 9);
	});
	close(fd);
}

int main(void)
{
	ino_t first;

	tap_begin();
	first = ns_number();
	if (unshare(CLONE_NEWIPC) < 0) {
		CHECK_EQ(errno, 0, "an ipc namespace of its own");
		return tap_end();
	}
	CHECK(first && ns_number() != first, "another number");
	for (int i = 0; i < 3; i++)
		fresh(&kinds[i]);
	for (int i = 0; i < 3; i++)
		apart(&kinds[i]);
	for (int i = 0; i < 3; i++)
		removed(&kinds[i]);
	mapped();
	entering();
	CHECK_CHILD("who may not", {
		MUST(setresuid(1000, 1000, 1000) == 0);
		MUST(unshare(CLONE_NEWIPC) == -1 && errno == EPERM);
	});
	return tap_end();
}
