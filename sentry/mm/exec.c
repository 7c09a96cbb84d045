/* execve from path to running image: see exec.h. */
#include "sentry/mm/exec.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "abi/arch.h"
#include "abi/fcntl.h"
#include "abi/mman.h"
#include "abi/personality.h"
#include "abi/resource.h"
#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/cred_exec.h"
#include "sentry/kernel/futex.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/posix_timer.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/vma.h"

#define SHEBANG_MAX 256
#define SHEBANG_DEPTH 5
#define STACK_MAX (256ull << 20)
#define STACK_GUARD (1ull << 20)

int64_t exec_read(struct file *f, void *buf, uint64_t len, uint64_t offset)
{
	struct map_source src = { .fd = -1 };
	int ret = f->ops->mmap ? f->ops->mmap(f, PAGE_DOWN(offset), len + PAGE_SIZE_LX, LX_PROT_READ, false, &src) : -ENOEXEC;

	if (ret < 0)
		return ret;
	return HOST_RETRY(pread(src.fd, buf, len, (int64_t)(src.offset + offset % PAGE_SIZE_LX)));
}

void exec_plan_free(struct exec_plan *plan)
{
	if (!plan)
		return;
	if (plan->program)
		file_put_deferred(plan->program);
	if (plan->interpreter)
		file_put_deferred(plan->interpreter);
	mm_put(plan->mm);
	cred_put(plan->cred);
	mem_free(plan->stack);
	mem_free(plan);
}

int exec_plan_map(struct exec_plan *plan, uint64_t addr, uint64_t len, uint32_t prot, uint32_t extra_flags, struct file *f,
		  uint64_t offset, const char *name)
{
	struct exec_map *m = &plan->maps[plan->map_count];
	struct mm *mm = plan->mm;
	struct map_source src = { .fd = -1 };
	struct vma *v;
	int ret = 0;

	if (plan->map_count == EXEC_MAX_MAPS || addr > mm->limit || len > mm->limit - addr)
		return -ENOMEM;
	if (f && (ret = f->ops->mmap(f, offset, len, (int)prot, false, &src)) < 0)
		return ret;
	v = mem_zalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = (struct vma){ .start = addr, .end = addr + len, .prot = prot, .flags = LX_MAP_PRIVATE | extra_flags | (name ? VMA_AHEAD : 0),
			   .file = f ? file_get(f) : NULL, .offset = offset, .may_write = true, .may_exec = true, .name = name };
	v->charged = vma_is_charged(v);
	lock_take(&mm->lock);
	if (!vma_range_free(mm, addr, addr + len))
		ret = -ENOMEM;
	if (!ret && v->charged)
		ret = memory_charge(mm->k, (int64_t)len);
	if (!ret) {
		mm->charged_bytes += v->charged ? len : 0;
		vma_insert(mm, v);
	}
	lock_drop(&mm->lock);
	if (ret) {
		vma_free(v);
		return ret;
	}
	*m = (struct exec_map){ .addr = addr, .len = len, .prot = prot, .file = f, .fd = src.fd, .offset = src.offset,
				.flags = LX_MAP_PRIVATE | LX_MAP_FIXED | extra_flags | (f ? 0 : LX_MAP_ANONYMOUS) };
	plan->map_count++;
	return 0;
}

/* --- finding the program ---------------------------------------------------------------------------------------------- */

/* A program that runs is not written to, and one that is open for writing does not run. Takes the reference when it fails. */
static int deny_writers(struct file *f)
{
	assert_that(f != NULL);
	f->executing = true;
	atomic_fetch_add(&f->inode->executing, 1);
	if (!atomic_load(&f->inode->writers))
		return 0;
	file_put(f);
	return -ETXTBSY;
}

static int open_program(struct task *t, int at_fd, const char *name, uint32_t walk, struct file **out)
{
	AUTO_PATH struct path path = { 0 };
	struct inode *inode;
	int ret = vfs_walk(t, at_fd, name, walk | WALK_WILL_OPEN, &path);

	*out = NULL;
	if (ret < 0)
		return ret;
	inode = path_inode(&path);
	if (inode->type == LX_S_IFLNK)
		return -ELOOP;
	if (inode->type != LX_S_IFREG)
		return -EACCES;
	ret = inode_permission(t->cred, inode, MAY_EXEC);
	if (!ret)
		ret = path_may_exec(t, &path, "execve");
	if (!ret)
		ret = landlock_may(t->cred, &path, LX_LANDLOCK_FS_EXECUTE);
	if (!ret)
		ret = vfs_open_path(t, &path, LX_O_RDONLY, out);
	return ret < 0 ? ret : deny_writers(*out);
}

struct shebang {
	char line[SHEBANG_MAX + 1];
	char *interpreter, *arg; /* into line; arg may be NULL */
};

/* 1 when the file is a script, 0 when it is something else, -ENOEXEC for a bad first line. */
static int read_shebang(struct file *f, struct shebang *s)
{
	int64_t got = exec_read(f, s->line, SHEBANG_MAX, 0);
	char *end, *p;

	if (got < 0)
		return (int)got;
	s->line[got] = 0;
	if (s->line[0] != '#' || s->line[1] != '!')
		return 0;
	end = strchr(s->line, '\n');
	if (!end && got == SHEBANG_MAX && !strpbrk(s->line + 2 + strspn(s->line + 2, " \t"), " \t"))
		return -ENOEXEC; /* the interpreter's name may be cut off */
	if (end)
		*end = 0;
	for (end = s->line + strlen(s->line); end > s->line && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = 0;
	p = s->line + 2 + strspn(s->line + 2, " \t");
	if (!*p)
		return -ENOEXEC;
	s->interpreter = p;
	p += strcspn(p, " \t");
	s->arg = NULL;
	if (*p) {
		*p++ = 0;
		s->arg = p + strspn(p, " \t");
	}
	return 1;
}

/* argv of the interpreter: its name, the line's argument, the script's name, what followed argv[0]. Strings are borrowed. */
static int script_args(const struct exec_args *old, const struct shebang *s, const char *script, struct exec_args *out)
{
	uint32_t n = 0, rest = old->argc ? old->argc - 1 : 0;
	char **argv = mem_calloc(rest + 4, sizeof(*argv));

	if (!argv)
		return -ENOMEM;
	argv[n++] = s->interpreter;
	if (s->arg)
		argv[n++] = s->arg;
	argv[n++] = (char *)(uintptr_t)script;
	for (uint32_t i = 0; i < rest; i++)
		argv[n++] = old->argv[i + 1];
	*out = *old;
	out->argv = argv;
	out->argc = n;
	out->bytes = old->bytes + strlen(s->interpreter) + (s->arg ? strlen(s->arg) : 0) + strlen(script) + 3;
	return 0;
}

/* --- the plan ------------------------------------------------------------------------------------------------------------- */

static int plan_space(struct task *t, struct exec_plan *plan)
{
	uint64_t size = t->proc->limits[LX_RLIMIT_STACK].rlim_cur, random[2];
	struct mm *mm = plan->mm = mm_new(t->k);

	if (!mm)
		return -ENOMEM;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	plan->fixed_layout = t->proc->personality & LX_ADDR_NO_RANDOMIZE;
	if (plan->fixed_layout)
		random[0] = random[1] = 0;
	size = PAGE_UP(size < STACK_MAX ? size : STACK_MAX);
	if (size < 32 * PAGE_SIZE_LX)
		size = 32 * PAGE_SIZE_LX;
	mm->limit = platform_address_limit(t->k->platform);
	mm->stack_start = PAGE_DOWN(mm->limit - PAGE_SIZE_LX - (random[0] & 0x3fffff) * PAGE_SIZE_LX);
	mm->stack_low = mm->stack_start - size;
	mm->mmap_base = mm->stack_low - STACK_GUARD - (random[1] & 0xfffffff) * PAGE_SIZE_LX;
	return exec_plan_map(plan, mm->stack_low, size, LX_PROT_READ | LX_PROT_WRITE, LX_MAP_NORESERVE | LX_MAP_STACK, NULL, 0,
			     "[stack]");
}

static void set_comm(struct exec_plan *plan, const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	memcpy(plan->comm, base, strnlen(base, sizeof(plan->comm) - 1));
}

/* Takes the reference to the program. */
static int make_plan(struct task *t, struct file *program, const char *filename, const struct exec_args *args, const char *name,
		     struct exec_plan **out)
{
	struct exec_plan *plan = mem_zalloc(sizeof(*plan));
	int ret;

	if (!plan) {
		file_put(program);
		return -ENOMEM;
	}
	plan->program = program;
	set_comm(plan, name);
	plan->cred = cred_exec(t, program, &plan->secure);
	ret = plan->cred ? plan_space(t, plan) : -ENOMEM;
	if (!ret)
		ret = elf_plan(t, plan);
	if (!ret)
		ret = stack_plan(plan, args, filename);
	if (ret < 0)
		exec_plan_free(plan);
	else
		*out = plan;
	return ret;
}

/* Follows #! lines down to a program and plans that. `filename` is what AT_EXECFN and scripts are told. */
static int plan_file(struct task *t, struct file *f, const char *filename, const char *name, const struct exec_args *args, int depth,
		     struct exec_plan **out)
{
	AUTO_FREE struct shebang *s = mem_zalloc(sizeof(*s));
	struct exec_args inner;
	struct file *interpreter;
	int ret = s ? read_shebang(f, s) : -ENOMEM;

	if (ret == 0)
		return make_plan(t, f, filename, args, name, out);
	file_put(f);
	if (ret < 0)
		return ret;
	if (depth == SHEBANG_DEPTH)
		return -ELOOP;
	ret = open_program(t, LX_AT_FDCWD, s->interpreter, 0, &interpreter);
	if (ret < 0)
		return ret;
	ret = script_args(args, s, filename, &inner);
	if (ret < 0) {
		file_put(interpreter);
		return ret;
	}
	ret = plan_file(t, interpreter, s->interpreter, name, &inner, depth + 1, out);
	mem_free(inner.argv);
	return ret;
}

/* --- the point of no return -------------------------------------------------------------------------------------------------- */

static int own_files(struct task *t)
{
	struct fdtable *files;

	if (atomic_load(&t->files->ref.count) == 1)
		return 0;
	files = fdtable_copy(t->files);
	if (!files)
		return -ENOMEM;
	fdtable_put(t->files, t);
	t->files = files;
	return 0;
}

static void leave_old_image(struct task *t)
{
	struct tracee *old;

	lock_take(&t->tracee_lock);
	old = t->tracee;
	t->tracee = NULL;
	lock_drop(&t->tracee_lock);
	if (old) {
		process_usage_exec(t->proc, old);
		process_usage_memory(t);
		platform_kill(old);
		tracee_put(old);
	}
	if (t->mm) {
		mm_leave(t->mm);
		mm_put(t->mm);
	}
}

static void publish(struct task *t, struct exec_plan *plan)
{
	struct process *p = t->proc;
	struct file *exe;

	lock_take(&p->lock);
	t->mm = mm_get(plan->mm);
	mm_join(t->mm);
	exe = p->exe;
	p->exe = file_get(plan->program);
	p->arg_start = plan->arg_start;
	p->arg_end = plan->arg_end;
	p->env_start = plan->env_start;
	p->env_end = plan->env_end;
	memcpy(p->auxv, plan->auxv, sizeof(p->auxv));
	p->dumpable = 1;
	p->personality &= ~(uint32_t)LX_READ_IMPLIES_EXEC;
	t->tsc_faults = false; /* the host process is a fresh one */
	lock_drop(&p->lock);
	if (exe)
		file_put(exe);
	memcpy(t->comm, plan->comm, sizeof(t->comm));
	lock_take(&t->k->lock);
	p->execed = true;
	lock_drop(&t->k->lock);
}

int64_t task_exec(struct task *t, int at_fd, const char *name, uint32_t walk_flags, const struct exec_args *args)
{
	AUTO_FREE char *fd_name = NULL;
	const char *filename = name;
	struct exec_plan *plan;
	int old_tid;
	struct file *f;
	int64_t ret = open_program(t, at_fd, name, walk_flags, &f);

	if (ret < 0)
		return ret;
	if (at_fd != LX_AT_FDCWD && name[0] != '/') {
		fd_name = *name ? mem_printf("/dev/fd/%d/%s", at_fd, name) : mem_printf("/dev/fd/%d", at_fd);
		if (!fd_name) {
			file_put(f);
			return -ENOMEM;
		}
		filename = fd_name;
	}
	ret = plan_file(t, f, filename, name, args, 0, &plan);
	if (ret < 0)
		return ret;
	old_tid = t->tid;
	ret = process_become_single(t);
	if (!ret)
		ret = own_files(t);
	if (ret < 0) {
		exec_plan_free(plan);
		return ret;
	}
	if (t->mm) {
		futex_mm_release(t);
		mm_inherit(plan->mm, t->mm);
	}
	t->futex_released = false;
	leave_old_image(t);
	publish(t, plan);
	cred_commit(t, cred_get(plan->cred));
	fdtable_close_on_exec(t);
	signal_exec(t);
	user_dispatch_off(t);
	keys_exec(t);
	posix_timers_exec(t->proc);
	t->robust_list = t->clear_child_tid = uaddr(0);
	process_release_vfork_parent(t->proc);
	ptrace_event(t, LX_PTRACE_EVENT_EXEC, (uint64_t)old_tid);
	t->exec = plan;
	return SYS_GONE;
}

void exec_launch(struct task *t)
{
	task_get(t); /* the new tracee's cookie */
	if (platform_spawn(t->k->platform, t) < 0) {
		log_warning("exec of %s: the host gives no process", t->comm);
		t->exit_status = 9;
		task_exit(t, 9);
		task_put(t);
	}
}

/* --- at the first stop ---------------------------------------------------------------------------------------------------------- */

static int carry_out(const struct exec_map *m, struct tracee *tracee)
{
	static const char zeros[PAGE_SIZE_LX];
	uint64_t arg[6] = { m->addr, m->len, m->prot, m->flags, (uint64_t)-1, 0 };
	uint64_t n = m->zero_to - m->zero_from;
	int64_t ret;

	if (m->file)
		ret = stop_map_file(tracee, m->addr, m->len, (int)m->prot, (int)m->flags, m->fd, m->offset);
	else
		ret = stop_inject(tracee, LX_NR_mmap, arg);
	if (ret < 0)
		return (int)ret;
	return n && tracee_write(tracee, uaddr(m->zero_from), zeros, n) != (int64_t)n ? -EFAULT : 0;
}

enum resume exec_stop(struct task *t, struct tracee *tracee)
{
	struct exec_plan *plan = t->exec;
	int ret = 0;

	lock_take(&t->tracee_lock);
	t->tracee = tracee;
	lock_drop(&t->tracee_lock);
	for (uint32_t i = 0; i < plan->map_count && !ret; i++)
		ret = carry_out(&plan->maps[i], tracee);
	if (!ret && tracee_write(tracee, uaddr(plan->sp), plan->stack, plan->stack_len) != (int64_t)plan->stack_len)
		ret = -EFAULT;
	t->exec = NULL;
	t->in_call = false;
	arch_start(stop_regs(tracee), plan->entry, plan->sp);
	exec_plan_free(plan);
	if (ret < 0) {
		/* Past the point of no return Linux kills, too. */
		log_warning("exec of %s: the image cannot be mapped: %s", t->comm, strerrorname_np(-ret));
		process_exit(t->proc, 9);
		return RESUME_HOLD;
	}
	return RESUME_RUN;
}
