/*
 * What the platform's control code needs of an architecture, and the sentry does not: the stub, registers of a stopped
 * thread, waiting without lost wake-ups. Implemented in platform/arch/ARCH/, like arch.h.
 *
 * Layout of the top of every guest address space, the same everywhere:
 *
 *     arch_address_limit()   first address that the guest may not map
 *         clock page         read-only; shared with the sentry, which writes it
 *         vDSO image         read and execute
 *     arch_stub_address()    one page of code, read and execute
 *     arch_address_end()     end of what the host lets a process map
 */
#ifndef PLATFORM_ARCH_CONTROL_H
#define PLATFORM_ARCH_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "platform/arch.h"

struct sock_filter;

#define ARCH_STUB_SIZE 4096

uint64_t arch_address_limit(void);
uint64_t arch_stub_address(void);
uint64_t arch_address_end(void);
/* Writes the stub's code into a page. */
void arch_stub_write(void *page);
/*
 * The clock page of this process, before zygotes are made. Done once, however many platforms there are. 0 or negative
 * errno.
 */
int arch_clock_setup(void);
/* In the zygote: maps stub, vDSO and clock page, over whatever is there. 0 or negative errno. */
int arch_map_top(void);
/* All ranges of the address space that are to be emptied after that. Their number. */
int arch_top_holes(struct guest_iov holes[4]);
/* The instruction pointer that a call made from the stub's loop shows. */
uint64_t arch_stub_loop_ip(void);

/* All registers of a stopped thread. 0 or -ESRCH. */
int arch_fetch(pid_t tid, struct arch_regs *);
int arch_store(pid_t tid, const struct arch_regs *);
/*
 * One register: the number of the call that the thread is at the entry of; the result of the one it is at the exit of.
 */
int arch_fetch_nr(pid_t tid, int64_t *nr);
int arch_fetch_result(pid_t tid, int64_t *ret);
int arch_store_result(pid_t tid, int64_t ret);
/* What a thread that SYSEMU stopped wants. False when it used an entry of another architecture. */
bool arch_fetch_call(pid_t tid, struct call_info *);

/* A thread in user mode with nothing in its registers. */
void arch_clear(struct arch_regs *);
bool arch_in_call(const struct arch_regs *);
/* The host would make the interrupted call again. */
bool arch_wants_restart(const struct arch_regs *);
/* Turns such registers, or those at a call's entry, into those from before the call. */
void arch_rewind_call(struct arch_regs *);
/* The same at another, equal place of the stub, whose calls are an ordinary guest's. */
void arch_disown_stub(struct arch_regs *);

enum stub_entry {
	STUB_LOOP, /* makes the call, then another whose number is the result, for ever: stops at each entry */
	STUB_ONCE, /* makes the call, then traps */
};
/* Jumps into the stub, whose first call has the number `nr`. */
_Noreturn void arch_stub_enter(enum stub_entry, int64_t nr);
/*
 * Registers with which a thread in user mode makes a call from the stub, or one at a call's entry makes that one
 * instead.
 */
void arch_stub_call(struct arch_regs *, enum stub_entry, bool at_entry, int64_t nr, const uint64_t arg[6]);
/*
 * Registers with which the stub does an atomic compare-and-exchange; what it saw is then the number (LOOP) or result
 * (ONCE).
 */
void arch_stub_cmpxchg(struct arch_regs *, enum stub_entry, uint64_t addr, uint32_t expected, uint32_t desired);
/* Arguments of the host's clone(2) in this architecture's order. */
void arch_clone_args(uint64_t arg[6], uint64_t flags, uint64_t stack);

/* The host's name of a debug register, and whether it holds an address. */
uint64_t arch_debug_offset(int which);
bool arch_debug_is_address(int which);

/* The extended state in the host's form. Bytes, or negative errno; storing takes just as many. */
int64_t arch_xstate_fetch(pid_t tid, void *buf, size_t len);
int64_t arch_xstate_store(pid_t tid, const void *buf, size_t len);
/* The extended state as a fresh program has it, for the zygote. */
int arch_reset_xstate(pid_t tid);
/* Takes the calling thread's registration for restartable sequences away. */
void arch_forget_rseq(void);

/*
 * A host call of up to four arguments that is not begun when *flag is set, or once PLATFORM_SIGNAL has arrived. Result
 * or negative errno; -EINTR then. There is no moment between test and call in which the signal could be lost.
 */
int64_t arch_waitcall(const uint32_t *flag, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* Installs the handler of `sig` that this rests on. */
int arch_waitcall_setup(int sig);

/* --- patched call sites (platform/fast/) ------------------------------------------------------------------------------- */

#define ARCH_SITE_SIZE 7
#define ARCH_SITES_MAX 510
#define ARCH_TRAMPOLINE_SIZE 40

/*
 * The window: a range at a fixed place that a process with patched sites has. From `start`, for `code_len` bytes: the
 * table and the trampolines, read and execute; `word`: a page of its own whose first 32 bits say whether the slot may be
 * used; `slot`: shared memory, see fast/slot.h.
 */
struct arch_window {
	uint64_t start, len, code_len, word, slot;
};
const struct arch_window *arch_window(void);

/* Whether a site with these bytes, a call's instruction at their end, can be patched. */
bool arch_site_fits(const uint8_t code[ARCH_SITE_SIZE]);
/* Makes the site's bytes those of site number `index`. */
void arch_site_patch(int index, uint8_t code[ARCH_SITE_SIZE]);
bool arch_site_is_patched(int index, const uint8_t code[ARCH_SITE_SIZE]);
/* Writes the site's trampoline; the address where it belongs. */
uint64_t arch_trampoline(int index, uint64_t site, const uint8_t original[ARCH_SITE_SIZE], uint8_t out[ARCH_TRAMPOLINE_SIZE]);
/* The value of a site's entry in the table (-1: the entry that all share), and where it belongs. */
uint64_t arch_table_entry(int index, uint64_t *at);

/* Where a thread is stopped, and in the name of which site. */
enum arch_place {
	PLACE_ELSEWHERE,
	PLACE_BEFORE,  /* nothing has been asked for; its registers are as at the site */
	PLACE_SAVED,   /* the same, but that the call's number is in the slot's saved_nr */
	PLACE_WAITING, /* as SAVED, and the slot's state says how far it is */
	PLACE_COPYING, /* as WAITING, but for registers that arch_site_copied() mends: copies for the sentry */
	PLACE_AFTER,   /* the slot's nr is the result */
	PLACE_CALL,    /* about to make the call by the trap */
	PLACE_PAST,    /* in that call, or past it */
};
enum arch_place arch_site_place(const struct arch_regs *, int *index);
/* The site whose trampoline's own call has this address for its return, or -1. */
int arch_site_by_call(uint64_t ip);
/* Gives a thread at PLACE_COPYING its call's arguments back, which are in the slot. */
void arch_site_copied(struct arch_regs *, const uint64_t arg[6]);
/* Moves a thread out of there: to the site's start, to its call instruction, past it. */
void arch_site_rewind(struct arch_regs *, uint64_t site);
void arch_site_call(struct arch_regs *, uint64_t site);
void arch_site_leave(struct arch_regs *, uint64_t site);

/* One round of a spinning wait. */
void arch_relax(void);

/* si_code and address of a fault, completed as the architecture's signal context wants it. */
void arch_fault_details(struct fault_info *);

#endif
