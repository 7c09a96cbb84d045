/* System V queues, semaphores, shared memory. */
#include "../tap.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct text {
	long type;
	char text[64];
};

union semun {
	int val;
	struct semid_ds *ds;
	unsigned short *all;
};

static void queues(void)
{
	key_t key = 0x50000000 | getpid();
	int q = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
	struct text m = {3, "three"};
	struct msqid_ds ds;
	static struct { long type; char text[8192]; } large = {5, ""};

	CHECK(q >= 0, "msgget");
	CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(msgget(key, 0), q, "the same key gives the same queue");
	CHECK_OK(msgsnd(q, &m, 6, 0));
	m.type = 1;
	CHECK_OK(msgsnd(q, &m, 4, 0));
	m.type = 2;
	CHECK_OK(msgsnd(q, &m, 0, 0));
	CHECK(msgrcv(q, &m, 64, -2, 0) == 4 && m.type == 1, "a negative type takes the lowest");
	CHECK_ERRNO(msgrcv(q, &m, 2, 3, 0), E2BIG);
	CHECK_EQ(msgrcv(q, &m, 2, 3, MSG_NOERROR), 2, "MSG_NOERROR cuts it");
	CHECK_ERRNO(msgrcv(q, &m, 64, 0, MSG_COPY), EINVAL);
	CHECK_ERRNO(msgrcv(q, &m, 64, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	if (msgrcv(q, &m, 64, 0, MSG_COPY | IPC_NOWAIT) == -1 && errno == ENOSYS) {
		SKIP("MSG_COPY", "not offered");
	} else {
		CHECK(m.type == 2, "MSG_COPY looks at the first");
		CHECK_EQ(msgrcv(q, &m, 64, 0, MSG_COPY | IPC_NOWAIT), 0, "which stays");
		CHECK_ERRNO(msgrcv(q, &m, 64, 77, MSG_COPY | IPC_NOWAIT), ENOMSG);
		CHECK_ERRNO(msgrcv(q, &m, 64, -1, MSG_COPY | IPC_NOWAIT), ENOMSG);
	}
	CHECK(msgrcv(q, &m, 64, 2, MSG_EXCEPT | IPC_NOWAIT) == -1 && errno == ENOMSG, "MSG_EXCEPT finds none");
	CHECK(msgrcv(q, &m, 64, 0, 0) == 0 && m.type == 2, "an empty message");
	CHECK_ERRNO(msgrcv(q, &m, 64, 0, IPC_NOWAIT), ENOMSG);
	m.type = 0;
	CHECK_ERRNO(msgsnd(q, &m, 1, 0), EINVAL);
	CHECK(msgsnd(q, &large, 8192, 0) == 0 && msgsnd(q, &large, 8192, 0) == 0, "two large messages fill it");
	CHECK_ERRNO(msgsnd(q, &large, 1, IPC_NOWAIT), EAGAIN);
	CHECK(msgctl(q, IPC_STAT, &ds) == 0 && ds.msg_qnum == 2 && ds.msg_qbytes == 16384 && ds.msg_lspid == getpid(), "IPC_STAT");
	CHECK_CHILD("a full queue blocks the sender", pid_t pid = fork();
		    if (pid == 0) { usleep(20000); _exit(msgrcv(q, &large, 8192, 0, 0) == 8192 ? 0 : 1); }
		    MUST(msgsnd(q, &large, 10, 0) == 0); MUST(tap_wait(pid) == 0));
	CHECK_CHILD("IPC_RMID wakes the receiver", pid_t pid = fork();
		    if (pid == 0) { usleep(20000); _exit(msgctl(q, IPC_RMID, NULL) == 0 ? 0 : 1); }
		    MUST(msgrcv(q, &m, 64, 99, 0) == -1 && errno == EIDRM); MUST(tap_wait(pid) == 0));
	CHECK_ERRNO(msgctl(q, IPC_STAT, &ds), EINVAL);
}

static int op(int set, int num, int by, int flags)
{
	struct sembuf o = {num, by, flags};

	return semop(set, &o, 1);
}

static void semaphores(void)
{
	int set = semget(IPC_PRIVATE, 3, 0600 | IPC_CREAT);
	struct sembuf two[2] = {{0, -1, 0}, {1, 1, 0}};
	struct timespec tick = {0, 2000000};
	unsigned short all[3] = {5, 6, 40000};
	union semun u = {.all = all};
	pid_t pid;

	CHECK(set >= 0, "semget");
	CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_OK(semctl(set, 0, SETVAL, 2));
	CHECK_OK(semop(set, two, 2));
	CHECK(semctl(set, 0, GETVAL) == 1 && semctl(set, 1, GETVAL) == 1 && semctl(set, 1, GETPID) == getpid(), "two operations at once");
	two[0].sem_op = -5;
	two[0].sem_flg = IPC_NOWAIT;
	CHECK_ERRNO(semop(set, two, 2), EAGAIN);
	CHECK_EQ(semctl(set, 1, GETVAL), 1, "all or none");
	CHECK_ERRNO(op(set, 7, 1, 0), EFBIG);
	CHECK_ERRNO(semop(set, two, 0), EINVAL);
	two[0] = (struct sembuf){2, -1, 0};
	CHECK_ERRNO(semtimedop(set, two, 1, &tick), EAGAIN);
	pid = tap_fork();
	if (pid == 0)
		_exit(op(set, 2, -1, 0) == 0 ? 0 : 1);
	while (semctl(set, 2, GETNCNT) != 1)
		usleep(1000);
	CHECK(semctl(set, 2, GETZCNT) == 0 && op(set, 2, 1, 0) == 0 && tap_wait(pid) == 0, "GETNCNT counts a waiter, an operation wakes it");
	CHECK_CHILD("SEM_UNDO", MUST(op(set, 1, 4, SEM_UNDO) == 0); MUST(op(set, 0, -1, SEM_UNDO) == 0));
	CHECK(semctl(set, 1, GETVAL) == 1 && semctl(set, 0, GETVAL) == 1, "is taken back at the process's end");
	CHECK_ERRNO(semctl(set, 0, SETALL, u), ERANGE);
	all[2] = 7;
	CHECK_OK(semctl(set, 0, SETALL, u));
	memset(all, 0, sizeof(all));
	CHECK(semctl(set, 0, GETALL, u) == 0 && all[0] == 5 && all[1] == 6 && all[2] == 7, "GETALL");
	CHECK_ERRNO(op(set, 2, 32767, 0), ERANGE);
	pid = tap_fork();
	if (pid == 0)
		_exit(op(set, 2, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
	while (semctl(set, 2, GETZCNT) != 1)
		usleep(1000);
	CHECK(semctl(set, 0, IPC_RMID) == 0 && tap_wait(pid) == 0, "IPC_RMID wakes the waiter");
	CHECK_ERRNO(semctl(set, 0, GETVAL), EINVAL);
}

static void memory(void)
{
	key_t key = 0x51000000 | getpid();
	int id = shmget(key, 10000, IPC_CREAT | 0600);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
	struct shmid_ds ds;

	CHECK(id >= 0 && a != (void *)-1 && b != (void *)-1, "shmget, shmat");
	CHECK_ERRNO(shmget(key, 20000, 0), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	strcpy(a, "shared");
	CHECK_STR(b, "shared", "two attachments of one segment");
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_segsz == 10000 && ds.shm_nattch == 2, "IPC_STAT counts them");
	CHECK_CHILD("a child inherits attachments", strcpy(a + 5000, "child"); MUST(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 4));
	CHECK_STR(b + 5000, "child", "and writes to the same memory");
	CHECK_ERRNO(shmdt(a + 1), EINVAL);
	CHECK_OK(shmdt(b));
	CHECK_ERRNO(shmdt(b), EINVAL);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERRNO(shmget(key, 0, 0), ENOENT);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1 && (ds.shm_perm.mode & SHM_DEST), "removed, but attached");
	CHECK_ERRNO((long)shmat(id, (void *)1, 0), EINVAL);
	CHECK_ERRNO((long)shmat(id, a, 0), EINVAL);
	b = shmat(id, (void *)0x600000001234, SHM_RND);
	CHECK(b == (void *)0x600000001000 && !strcmp(b, "shared"), "SHM_RND");
	CHECK(shmdt(b) == 0 && shmdt(a) == 0, "the last detach");
	CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
}

int main(void)
{
	tap_begin();
	queues();
	semaphores();
	memory();
	return tap_end();
}
