/*
 * execve(2): reads and checks the program (ELF, #!), plans the new address space and its stack on a worker, then has the platform make
 * a fresh host process and maps the plan into it at its first stop. The old host process is killed aside.
 */
#ifndef SENTRY_MM_EXEC_H
#define SENTRY_MM_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"
#include "sentry/fs/path.h"

struct task;
struct file;
struct mm;
struct exec_plan;
struct cred;

struct exec_args {
	char **argv, **envp; /* NULL-terminated, the sentry's own copies */
	uint32_t argc, envc;
	uint64_t bytes;      /* strings with their NULs */
};

/*
 * Program by path (at_fd, name, WALK_* flags). On success the task has its new image planned (t->exec) and the result is SYS_GONE: the
 * dispatcher then calls exec_launch(). Else a negative errno with nothing changed, or SYS_BLOCKED.
 */
int64_t task_exec(struct task *, int at_fd, const char *name, uint32_t walk_flags, const struct exec_args *);
/* Hands t->exec to the platform. The task is the new image's from here on: no use of it afterwards but by reference. */
void exec_launch(struct task *);
/* At STOP_NEW of the fresh address space: carries out t->exec. RESUME_RUN, or RESUME_HOLD when it failed and the task is to die. */
enum resume exec_stop(struct task *, struct tracee *);
void exec_plan_free(struct exec_plan *);

/* --- between the files of exec: elf.c makes maps, stack.c the stack, exec.c drives --------------------------------------------- */

#define EXEC_MAX_MAPS 64

struct exec_map {
	uint64_t addr, len;
	uint32_t prot, flags;  /* host flags: MAP_PRIVATE|MAP_FIXED and so on */
	struct file *file;     /* borrowed from the plan; NULL: anonymous */
	int fd;                /* of the host, with `offset`: where the file's bytes are */
	uint64_t offset;
	uint64_t zero_from, zero_to; /* bytes to clear after mapping: the page that file and bss share */
};
struct exec_plan {
	struct mm *mm;
	struct file *program, *interpreter; /* referenced */
	struct exec_map maps[EXEC_MAX_MAPS];
	uint32_t map_count;
	struct cred *cred;      /* what the task will be; referenced */
	bool secure;            /* AT_SECURE: it is more than who runs it */
	bool fixed_layout;      /* personality(ADDR_NO_RANDOMIZE) */
	uint64_t entry, sp;
	uint64_t program_entry, program_phdr, interpreter_base; /* for the auxiliary vector */
	uint16_t phnum;
	char *stack;           /* bytes to be written at sp */
	uint64_t stack_len;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv[48];
	char comm[16];
};

/* elf.c: maps the program and its interpreter into the plan's mm. 0; -ENOEXEC, -EACCES, -ENOENT, -ELIBBAD, -ENOMEM, … as Linux. */
int elf_plan(struct task *, struct exec_plan *);
/* Adds one mapping to plan and mm. 0, -ENOMEM. */
int exec_plan_map(struct exec_plan *, uint64_t addr, uint64_t len, uint32_t prot, uint32_t extra_flags, struct file *, uint64_t offset, const char *name);
/* stack.c: lays out strings, vectors and auxiliary vector. 0, -E2BIG, -ENOMEM. */
int stack_plan(struct exec_plan *, const struct exec_args *, const char *filename);
/* Reads from a file that can be mapped, without a task's blocking. Bytes, or negative errno. */
int64_t exec_read(struct file *, void *buf, uint64_t len, uint64_t offset);

#endif
