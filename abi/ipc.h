/* System V IPC and POSIX message queues. */
#ifndef ABI_IPC_H
#define ABI_IPC_H

#include <stdint.h>

#define LX_IPC_CREAT 01000
#define LX_IPC_EXCL 02000
#define LX_IPC_NOWAIT 04000
#define LX_IPC_RMID 0
#define LX_IPC_SET 1
#define LX_IPC_STAT 2
#define LX_IPC_INFO 3
#define LX_IPC_PRIVATE 0

#define LX_SHM_RDONLY 010000
#define LX_SHM_RND 020000
#define LX_SHM_REMAP 040000
#define LX_SHM_EXEC 0100000

#define LX_SEM_UNDO 0x1000
#define LX_GETPID 11
#define LX_GETVAL 12
#define LX_GETALL 13
#define LX_GETNCNT 14
#define LX_GETZCNT 15
#define LX_SETVAL 16
#define LX_SETALL 17

#define LX_MSG_NOERROR 010000
#define LX_MSG_EXCEPT 020000
#define LX_MSG_COPY 040000

struct lx_sembuf {
	uint16_t sem_num;
	int16_t sem_op;
	int16_t sem_flg;
};

struct lx_ipc_perm {
	int32_t key;
	uint32_t uid;
	uint32_t gid;
	uint32_t cuid;
	uint32_t cgid;
	uint32_t mode;
	uint16_t seq;
	uint16_t pad[3];
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct lx_ipc_perm) == 48, "struct ipc64_perm");

/* Further commands: Linux's own, for ipcs(1). */
#define LX_MSG_STAT 11
#define LX_MSG_INFO 12
#define LX_MSG_STAT_ANY 13
#define LX_SHM_LOCK 11
#define LX_SHM_UNLOCK 12
#define LX_SHM_STAT 13
#define LX_SHM_INFO 14
#define LX_SHM_STAT_ANY 15
#define LX_SHM_DEST 01000   /* in the mode: goes with the last detach */
#define LX_SEM_STAT 18
#define LX_SEM_INFO 19
#define LX_SEM_STAT_ANY 20

/* The structures of x86-64 and of the generic 64-bit ABI differ in struct lx_semid_ds alone. */
struct lx_msqid_ds {
	struct lx_ipc_perm msg_perm;
	int64_t msg_stime;
	int64_t msg_rtime;
	int64_t msg_ctime;
	uint64_t msg_cbytes;
	uint64_t msg_qnum;
	uint64_t msg_qbytes;
	int32_t msg_lspid;
	int32_t msg_lrpid;
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct lx_msqid_ds) == 120, "struct msqid64_ds");

struct lx_semid_ds {
	struct lx_ipc_perm sem_perm;
	int64_t sem_otime;
	uint64_t reserved1;
	int64_t sem_ctime;
	uint64_t reserved2;
	uint64_t sem_nsems;
	uint64_t reserved3[2];
};
_Static_assert(sizeof(struct lx_semid_ds) == 104, "struct semid64_ds of x86-64");

struct lx_shmid_ds {
	struct lx_ipc_perm shm_perm;
	uint64_t shm_segsz;
	int64_t shm_atime;
	int64_t shm_dtime;
	int64_t shm_ctime;
	int32_t shm_cpid;
	int32_t shm_lpid;
	uint64_t shm_nattch;
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct lx_shmid_ds) == 112, "struct shmid64_ds");

struct lx_msginfo {
	int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t msgseg, pad;
};
_Static_assert(sizeof(struct lx_msginfo) == 32, "struct msginfo");

struct lx_seminfo {
	int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
_Static_assert(sizeof(struct lx_seminfo) == 40, "struct seminfo");

struct lx_shminfo {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall, reserved[4];
};
_Static_assert(sizeof(struct lx_shminfo) == 72, "struct shminfo64");

struct lx_shm_info {
	int32_t used_ids, pad;
	uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};
_Static_assert(sizeof(struct lx_shm_info) == 48, "struct shm_info");

struct lx_mq_attr {
	int64_t mq_flags;
	int64_t mq_maxmsg;
	int64_t mq_msgsize;
	int64_t mq_curmsgs;
	int64_t reserved[4];
};
_Static_assert(sizeof(struct lx_mq_attr) == 64, "struct mq_attr");

#endif
