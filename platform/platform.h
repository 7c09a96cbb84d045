/*
 * How a guest is run and trapped: the interface between the sentry and a platform.
 *
 * A *tracee* is one guest thread as the host knows it: a host thread, in a host process whose address space is the
 * guest's own, traced by one of the platform's tracer threads. The sentry never sees a host pid, a register's name or a
 * ptrace stop; it sees three events, delivered through struct platform_handler:
 *
 *   call   the guest thread made a system call that the sentry answers itself. Delivered on a *worker* thread. The tracee stays
 *          where it is until platform_answer(), platform_pass() or platform_answer_stop() is called, at once or hours later,
 *          by any thread. Nothing of the platform is held meanwhile.
 *   stop   the tracee is at a *control stop*: its registers can be read and written and host calls can be made in it.
 *          Delivered on the tracer thread of its lane. The reasons are in enum stop_kind.
 *   gone   the host thread is no more; the last event of a tracee. Delivered on the tracer thread.
 *
 *            ┌──────────── lane, one per CPU ─────────────┐
 *  guest ───▶│ worker: waits for calls, runs handlers      │   main fd table
 *  guest ───▶│ tracer: waits for stops, moves registers    │   pocket fd table, shared with the guests
 *            │ zygote: an empty traced process, cloned for │
 *            │         every fresh address space           │
 *            └─────────────────────────────────────────────┘
 *
 * Threads and fds. Workers (and whatever other threads the sentry makes) live in the sentry's main fd table. Tracer
 * threads and guests share another one, the *pocket*, in which nothing is open but what is being mapped. Code that runs
 * in a stop handler must therefore not use an fd of the sentry, except by handing its number to stop_map_file(), which
 * copies it over.
 *
 * Every host call that a guest process makes was announced by the sentry for that thread and is checked against the
 * announcement at its own stop, or takes nothing but scalars that platform_pass() let through: that an instruction
 * pointer lies in stub code proves nothing.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct platform;
struct tracee;
struct arch_regs; /* the general registers of a stopped tracee; accessors in platform/arch.h */
struct arch_xstate;

/* A guest address. Not a pointer: only the functions below turn it into bytes. */
typedef struct {
	uint64_t v;
} uaddr_t;

struct guest_iov {
	uaddr_t addr;
	uint64_t len;
};

/* What the trap saw. `arg` are the six argument registers, whole. */
struct call_info {
	int64_t nr;
	uint64_t arg[6];
	uint64_t ip;
	uint64_t sp; /* 0 where the trap does not tell (seccomp) */
};

enum stop_kind {
	STOP_NEW,   /* first stop of a tracee made by platform_spawn() (address space empty) or stop_clone() */
	STOP_CALL,  /* the guest is about to make one of platform_config.stop_calls; `call` is filled in */
	STOP_KICK,  /* platform_kick() or platform_answer_stop() asked for it */
	STOP_FAULT, /* the guest made the CPU complain; `fault` is filled in */
};

struct fault_info {
	int signo;     /* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP */
	int code;      /* si_code of the host */
	uint64_t addr; /* si_addr */
	uint32_t pkey; /* si_pkey, where code says that a protection key forbade it */
	uint64_t trapno, error, cr2; /* as the architecture's sigcontext wants them; 0 where it has none */
};

struct stop {
	enum stop_kind kind;
	bool after_call; /* KICK: a call had been under way and was answered; its result is in the registers */
	struct call_info call;
	struct fault_info fault;
};

enum resume {
	RESUME_RUN,  /* into guest code with the registers as they are now; a call that the stop interrupted (CALL) is not made */
	RESUME_CALL, /* CALL only: the host makes the call that the registers now hold, then guest code goes on with its result */
	RESUME_HOLD, /* stay stopped until platform_release() */
	RESUME_STEP, /* as RUN; after one instruction there is a STOP_FAULT with SIGTRAP and TRAP_TRACE */
};

/* What became of a quick call. */
enum quick {
	QUICK_DONE,    /* it has a result */
	QUICK_STOP,    /* it has a result, and the tracee is to come to a STOP_KICK before it runs any guest code */
	QUICK_REFUSED, /* it was not made: the guest makes it again, and it comes as a `call` */
};

struct platform_handler {
	/* `cookie` is the sentry's own, given at creation of the tracee. */
	void (*call)(struct tracee *, void *cookie, const struct call_info *);
	enum resume (*stop)(struct tracee *, void *cookie, const struct stop *);
	/*
	 * wait_status is the host's (WIFEXITED...); SIGKILL unless the sentry let an exit pass. The tracee stays valid
	 * until tracee_put(). Never delivered while a worker is inside `call` for it. A group leader that exits before
	 * its threads is gone after them.
	 */
	void (*gone)(struct tracee *, void *cookie, int wait_status);
	/*
	 * A call that came without a trap. May be NULL, and then there are none. On a thread of the platform's own, in the
	 * main fd table; no event is delivered for the tracee meanwhile. The tracee is in guest code until it is answered,
	 * which the platform does when this returns.
	 */
	enum quick (*quick)(struct tracee *, void *cookie, const struct call_info *, int64_t *ret);
	/* After each `quick`, when the guest has its answer: whatever else has to be done. */
	void (*quick_end)(struct tracee *, void *cookie);
	/*
	 * At a stop: the platform wants to put something of its own into [addr, addr + len) of the address space, and to
	 * keep it there until stop_plain(). False where that is the guest's.
	 */
	bool (*reserve)(struct tracee *, void *cookie, uint64_t addr, uint64_t len);
	/* At a stop: whether the range is private code that nobody writes to, so that the platform may alter its copy of it. */
	bool (*is_code)(struct tracee *, void *cookie, uint64_t addr, uint64_t len);
	/* Something of the platform broke in a way that it cannot go on from. Must not return. */
	void (*broken)(const char *what, int err);
};

/* Whether calls are taken without a trap where that is quicker, or wherever it can be done (for tests). */
enum platform_quick { PLATFORM_QUICK_OFF, PLATFORM_QUICK_ON, PLATFORM_QUICK_FORCED };

struct platform_config {
	const struct platform_handler *handler;
	int lanes;                    /* 0: one per CPU that this process may use */
	const uint16_t *stop_calls;   /* numbers of the calls to deliver as STOP_CALL instead of `call`, ascending */
	size_t stop_call_count;
	enum platform_quick quick;
	const uint16_t *quick_calls;  /* numbers of the calls that `quick` may be asked for, ascending */
	size_t quick_call_count;
	uint64_t address_limit;       /* out: first address past what the guest may map; the stub lives above it */
	int log_fd;                   /* kept open in the pocket under its own number, so that stop handlers can log; 0: none */
};

struct platform_ops; /* platform/platform_impl.h */
extern const struct platform_ops platform_seccomp;
extern const struct platform_ops platform_ptrace;

/*
 * Makes the platform: threads, zygotes, filters. Before the sentry locks itself down: needs ptrace, clone, seccomp,
 * prctl. Every thread that it makes is in the calling process; none runs handler code before platform_start().
 * 0, or a negative errno; then `why` (of `why_len` bytes) holds one sentence for the user.
 */
int platform_create(const struct platform_ops *ops, struct platform_config *cfg, struct platform **out, char *why, size_t why_len);
const char *platform_name(const struct platform *);
/* Starts the delivery of events. Call after lock-down. */
void platform_start(struct platform *);
/* Kills every tracee and joins the threads. `gone` has been delivered for each when it returns. */
void platform_destroy(struct platform *);
uint64_t platform_address_limit(const struct platform *);
/* The range that `reserve` will be asked for, which a fresh image had better leave free. False where there is none. */
bool platform_reserved(const struct platform *, uint64_t *addr, uint64_t *len);

/* --- from any thread --- */

/*
 * A new host process with nothing mapped but the stub, on the lane with the least to do. Its first event is STOP_NEW,
 * in which the sentry maps the image and sets the registers. 0 or a negative errno. Asynchronous: the tracee is handed
 * over by the event.
 * Where the host has no process to give, `gone` is the first and only event, with a tracee that never was.
 */
int platform_spawn(struct platform *, void *cookie);

/*
 * A tracee is reference-counted. The sentry owns one reference from its first event on (STOP_NEW) and drops it with
 * tracee_put(), before or after `gone`; the platform keeps its own until `gone` has returned. Every operation on a
 * tracee whose host thread is no more is harmless: it does nothing, or returns -ESRCH.
 */
struct tracee *tracee_get(struct tracee *);
void tracee_put(struct tracee *);

/*
 * Completes the call under way with `ret` (value, or negative errno). The tracee may already be dead: that is not an
 * error.
 */
void platform_answer(struct tracee *, int64_t ret);
/* Completes the call under way by letting the host make it, with the very registers that were trapped. Scalars only. */
void platform_pass(struct tracee *);
/* Completes the call with `ret` and brings the tracee to a STOP_KICK (after_call) before it runs any guest code. */
void platform_answer_stop(struct tracee *, int64_t ret);
/*
 * Brings the tracee to a STOP_KICK as soon as it is in guest code, or when the call under way has been answered. Kicks
 * before the stop merge into one. Never lost: a kick that meets a tracee on its way out of a stop causes another.
 */
void platform_kick(struct tracee *);
/* Lets a tracee go that a stop handler left with RESUME_HOLD. `how` is RESUME_RUN or RESUME_CALL. */
void platform_release(struct tracee *, enum resume how);
/* As if its lane's tracer had got a new stop of a held tracee: `stop` is delivered again with kind STOP_KICK. */
void platform_rerun_held(struct tracee *);
/* Kills the whole host process of the tracee. `gone` follows for each of its threads. */
void platform_kill(struct tracee *);

/*
 * Guest memory. Copies between local memory and the guest; stops at the first byte that cannot be copied.
 * Returns the bytes copied (0 to n), or -EFAULT when not one could be, -ESRCH when the process is gone. The guest's
 * page protections hold. Not atomic against other guest threads: copy once, judge the copy. Vectors: up to 64 parts a
 * side, else -EINVAL.
 */
int64_t tracee_read(struct tracee *, void *dst, uaddr_t src, size_t n);
int64_t tracee_write(struct tracee *, uaddr_t dst, const void *src, size_t n);
struct iovec;
int64_t tracee_readv(struct tracee *, const struct iovec *dst, size_t ndst, const struct guest_iov *src, size_t nsrc);
int64_t tracee_writev(struct tracee *, const struct guest_iov *dst, size_t ndst, const struct iovec *src, size_t nsrc);

/* Host CPU time used by the tracee's whole process so far, and by the one thread, in ns. -ESRCH when gone. */
int64_t tracee_cpu_ns(struct tracee *, bool whole_process);
/* The same of the whole process, with how the host's ticks fell: they tell in what proportion it is user time. */
struct cpu_sample {
	uint64_t total;            /* ns, exact */
	uint64_t ticks_user, ticks; /* ns, sampled; ticks: user and system together */
};
/* 0 or -ESRCH. */
int tracee_cpu_sample(struct tracee *, struct cpu_sample *out);

/* --- around host calls that may take long, on worker threads --- */

/*
 * The calling worker is about to be stuck in the host: another takes over its lane's calls. No effect on other threads.
 */
void platform_stuck_begin(void);
void platform_stuck_end(void);

/* --- in a stop handler, on the tracer thread, for the stopped tracee --- */

/* The registers; changes are written back when the handler returns. Valid until then. */
struct arch_regs *stop_regs(struct tracee *);
/*
 * The extended CPU state (XSAVE area and the like) as the architecture's signal frame holds it. Bytes, or negative
 * errno.
 */
int64_t stop_xstate_get(struct tracee *, void *buf, size_t len);
int64_t stop_xstate_set(struct tracee *, const void *buf, size_t len);

/*
 * Makes one host call in the guest process, now, and returns its result. The call is the sentry's: arguments must not
 * come from the guest unchecked. Registers of the guest are unaffected. -ESRCH when the tracee died meanwhile.
 * exit(2) and exit_group(2) are begun and not waited for: -ESRCH, and `gone` follows.
 */
int64_t stop_inject(struct tracee *, int64_t nr, const uint64_t arg[6]);
/* Maps the sentry's fd (a number in the main table) into the guest at a fixed address. Address or negative errno. */
int64_t stop_map_file(struct tracee *, uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset);
/* An atomic compare-and-exchange of 32 bits in guest memory: 1 exchanged, 0 not (*seen is what was there), -EFAULT. */
int stop_cmpxchg32(struct tracee *, uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *seen);

/*
 * Guest memory as a debugger reaches it: whatever the protection, by a private copy of the page where it may not be
 * written. Nothing at or past platform_address_limit() is written. 0, -EIO, or -ESRCH. For breakpoints: slow.
 */
int stop_peek(struct tracee *, uaddr_t src, void *dst, size_t n);
int stop_poke(struct tracee *, uaddr_t dst, const void *src, size_t n);
/*
 * The CPU's debug registers, by ptrace(2)'s numbers, for what lies below platform_address_limit(). 0, -EINVAL, or what
 * the host says. A hit is a STOP_FAULT with SIGTRAP.
 */
int stop_debug_get(struct tracee *, int which, uint64_t *out);
int stop_debug_set(struct tracee *, int which, uint64_t v);

/*
 * Takes everything that the platform has put into the address space (`reserve`) out of it again. 0, or -EBUSY when other
 * threads run in it.
 */
int stop_plain(struct tracee *);
/* The guest's code is its own again, and stays so: somebody is about to look at it and run it by single steps. */
void stop_show_code(struct tracee *);

/* What a guest's fork, vfork, clone and clone3 come down to. Everything else about them is the sentry's emulation. */
struct clone_how {
	bool share_vm;   /* CLONE_VM */
	bool thread;     /* CLONE_THREAD|CLONE_SIGHAND (implies share_vm): one host process */
	bool set_stack;
	uint64_t stack;  /* the child's stack pointer, where set_stack */
	bool set_tls;
	uint64_t tls;
};
/*
 * At a STOP_CALL or STOP_KICK: clones the tracee. The child is held at its STOP_NEW, which is delivered only after
 * the current handler has returned, with registers that return 0 from the call; the parent's are set to nothing (the
 * handler sets its result).
 * 0 or a negative errno of the host (EAGAIN, ENOMEM).
 */
int stop_clone(struct tracee *, const struct clone_how *, void *cookie, struct tracee **child);

#endif
