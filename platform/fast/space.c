/*
 * The window of an address space, its patched sites, and threads that are stopped in the platform's code. Everything is
 * done at a stop, on the tracer thread: code is written by PTRACE_POKE, which goes past the protection of a private
 * mapping and gives the process a page of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/mem.h"
#include "platform/fast/fast.h"
#include "platform/fast/slot.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* The record that the tracer has the claim of. */
static __thread struct fast_record *held;

void fast_enter(struct tracee *t)
{
	struct fast_record *r = t->space ? t->space->record : NULL;

	if (!r || r == held)
		return;
	fast_leave();
	claim_take(r);
	held = r;
}

void fast_leave(void)
{
	if (held)
		claim_drop(held);
	held = NULL;
}

bool fast_alone(const struct tracee *t)
{
	return t->space && atomic_load(&t->space->ref.count) == 1 && atomic_load(&t->proc->threads) == 1;
}

/* --- records ------------------------------------------------------------------------------------------------------------- */

void fast_turn_on(struct fast_record *r, struct tracee *t)
{
	const uint32_t one = 1;

	r->slot->state = SLOT_IDLE;
	r->slot->armed = 0;
	r->answered = false;
	r->tracee = t;
	if (tracee_write(t, (uaddr_t){ arch_window()->word }, &one, sizeof(one)) == (int64_t)sizeof(one))
		atomic_store(&r->on, true);
}

static void turn_off(struct fast_record *r, struct tracee *t)
{
	const uint32_t zero = 0;

	atomic_store(&r->on, false);
	r->tracee = NULL;
	tracee_write(t, (uaddr_t){ arch_window()->word }, &zero, sizeof(zero));
}

static struct fast_record *record_new(struct fast_state *f)
{
	for (int i = 0; i < FAST_SLOTS; i++) {
		struct fast_record *r = &f->record[i];

		if (!claim_try(r))
			continue;
		if (atomic_load(&r->used)) {
			claim_drop(r);
			continue;
		}
		memset(r->slot, 0, sizeof(*r->slot)); /* what another process left there */
		atomic_store(&r->used, true);
		return r;
	}
	return NULL;
}

/* The caller has the claim, and nobody has the slot mapped any more. */
static void record_free(struct fast_record *r)
{
	atomic_store(&r->on, false);
	r->tracee = NULL;
	atomic_store(&r->used, false);
}

/* --- sites --------------------------------------------------------------------------------------------------------------- */

static void sites_put(struct fast_sites *s)
{
	if (s && ref_put(&s->ref))
		mem_free(s);
}

static int find_site(const struct fast_sites *s, uint64_t ip)
{
	for (int i = 0; i < s->count; i++)
		if (s->site[i].ip == ip)
			return i;
	return -1;
}

/* A list that may be changed. */
static struct fast_sites *own_sites(struct fast_space *space)
{
	struct fast_sites *s = space->sites;

	if (s && atomic_load(&s->ref.count) == 1)
		return s;
	s = s ? mem_dup(s, sizeof(*s)) : mem_zalloc(sizeof(*s));
	if (!s)
		return NULL;
	ref_init(&s->ref);
	sites_put(space->sites);
	space->sites = s;
	return s;
}

/* Writes guest code; the length is a multiple of a word, and no word crosses a page. */
static int poke(struct tracee *t, uint64_t at, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, (const char *)from + i, sizeof(word));
		int64_t err = host_ptrace(PTRACE_POKETEXT, t->tid, at + i, word);

		if (err < 0)
			return (int)err;
	}
	return 0;
}

static int poke_table(struct tracee *t, int index)
{
	uint64_t at, value = arch_table_entry(index, &at);

	return poke(t, at, &value, sizeof(value));
}

/* The word with the site's bytes at its beginning; one that crosses into another page is not looked at. */
static bool read_site(struct tracee *t, uint64_t ip, uint8_t word[8])
{
	return ip % 4096 <= 4096 - 8 && tracee_read(t, word, (uaddr_t){ ip }, 8) == 8;
}

static int write_trampoline(struct tracee *t, int index, const struct fast_site *site)
{
	uint8_t code[ARCH_TRAMPOLINE_SIZE];
	uint64_t at = arch_trampoline(index, site->ip, site->code, code);
	int err = poke(t, at, code, sizeof(code));

	return err ? err : poke_table(t, index);
}

static void patch(struct tracee *t, uint64_t ip)
{
	uint8_t word[8];
	struct fast_sites *s;
	int index;

	if (!read_site(t, ip, word) || !arch_site_fits(word) || !t->platform->handler->is_code(t, t->cookie, ip, ARCH_SITE_SIZE))
		return;
	s = own_sites(t->space);
	index = s ? find_site(s, ip) : -1;
	if (!s || (index < 0 && s->count == ARCH_SITES_MAX))
		return;
	if (index < 0)
		index = s->count;
	s->site[index].ip = ip;
	memcpy(s->site[index].code, word, ARCH_SITE_SIZE);
	if (write_trampoline(t, index, &s->site[index]))
		return;
	if (index == s->count)
		s->count++;
	arch_site_patch(index, word);
	poke(t, ip, word, sizeof(word));
}

static void restore(struct tracee *t, const struct fast_site *site, int index)
{
	uint8_t word[8];

	if (!read_site(t, site->ip, word) || !arch_site_is_patched(index, word))
		return; /* something else has been mapped there */
	memcpy(word, site->code, ARCH_SITE_SIZE);
	poke(t, site->ip, word, sizeof(word));
}

/* --- the window ------------------------------------------------------------------------------------------------------------ */

static int64_t map(struct tracee *t, uint64_t at, uint64_t len, int prot)
{
	const uint64_t arg[6] = { at, len, (uint64_t)prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0 };
	int64_t ret = stop_inject(t, SYS_mmap, arg);

	return ret == (int64_t)at ? 0 : ret < 0 ? ret : -EEXIST;
}

static int64_t advise(struct tracee *t, uint64_t at, uint64_t len, int advice)
{
	const uint64_t arg[6] = { at, len, (uint64_t)advice };

	return stop_inject(t, SYS_madvise, arg);
}

static void unmap_window(struct tracee *t)
{
	const uint64_t arg[6] = { arch_window()->start, arch_window()->len };

	stop_inject(t, SYS_munmap, arg);
}

static int make_window(struct tracee *t)
{
	const struct arch_window *w = arch_window();
	int64_t err;

	if (!t->platform->handler->reserve(t, t->cookie, w->start, w->len))
		return -EBUSY;
	err = map(t, w->start, w->code_len, PROT_READ | PROT_EXEC);
	if (!err)
		err = map(t, w->word, 4096, PROT_READ | PROT_WRITE);
	if (!err)
		err = advise(t, w->word, 4096, MADV_WIPEONFORK);
	if (!err)
		err = poke_table(t, -1);
	if (!err && !own_sites(t->space))
		err = -ENOMEM;
	return (int)err;
}

/* Mapped in one address space at a time: a fork's child does not get it. */
static void make_slot(struct tracee *t)
{
	struct fast_state *f = t->platform->fast;
	struct fast_record *r = record_new(f);
	uint64_t at = arch_window()->slot, offset;

	if (!r) {
		t->watch.hopeless = true; /* more such processes than slots */
		return;
	}
	offset = (uint64_t)(r - f->record) * sizeof(struct slot);
	int64_t ret = stop_map_file(t, at, sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, f->memfd, offset);

	if (ret == (int64_t)at && advise(t, at, sizeof(struct slot), MADV_DONTFORK) == 0) {
		held = r; /* nothing else is: the space had no record */
		t->space->record = r;
		return;
	}
	const uint64_t arg[6] = { at, sizeof(struct slot) };

	stop_inject(t, SYS_munmap, arg);
	record_free(r);
	claim_drop(r);
}

void fast_at_stop(struct tracee *t)
{
	uint64_t wanted = atomic_exchange(&t->watch.wanted, 0);

	if (!wanted || t->watch.hopeless || t->space->closed || !fast_alone(t))
		return;
	if (!t->space->sites && make_window(t) < 0) {
		t->watch.hopeless = true;
		return;
	}
	if (wanted != FAST_SLOT_ALONE)
		patch(t, wanted);
	if (!t->space->record)
		make_slot(t);
	if (t->space->record && !atomic_load(&t->space->record->on))
		fast_turn_on(t->space->record, t);
}

int stop_plain(struct tracee *t)
{
	struct fast_space *space = t->space;

	if (!space || (space->sites && !fast_alone(t)))
		return -EBUSY;
	if (!space->sites)
		return 0;
	for (int i = 0; i < space->sites->count; i++)
		restore(t, &space->sites->site[i], i);
	unmap_window(t);
	if (space->record)
		record_free(space->record);
	space->record = NULL;
	sites_put(space->sites);
	space->sites = NULL;
	t->watch.hopeless = true; /* it has a use of its own for the place */
	return 0;
}

/* Others may run there: they find the old code or the new, and the trampolines stay. */
void stop_show_code(struct tracee *t)
{
	struct fast_space *space = t->space;

	if (!space || space->closed)
		return;
	space->closed = true;
	for (int i = 0; space->sites && i < space->sites->count; i++)
		restore(t, &space->sites->site[i], i);
}

/* --- stopped in there -------------------------------------------------------------------------------------------------------- */

/* Waiting for an answer: it has one, or asks no more. */
static enum arch_place settle(struct fast_record *r)
{
	if (r->answered) {
		r->slot->nr = r->answer;
		return PLACE_AFTER;
	}
	return __atomic_load_n(&r->slot->state, __ATOMIC_ACQUIRE) == SLOT_DONE ? PLACE_AFTER : PLACE_SAVED;
}

bool fast_roll(struct tracee *t)
{
	struct fast_record *r = t->space ? t->space->record : NULL;
	enum arch_place place;
	int index;

	t->watch.copied = false;
	if (!t->space || !t->space->sites)
		return false;
	place = arch_site_place(&t->regs, &index);
	t->watch.copied = place == PLACE_COPYING;
	if (place == PLACE_COPYING && r)
		arch_site_copied(&t->regs, r->slot->arg);
	if (place == PLACE_WAITING || place == PLACE_COPYING)
		place = r ? settle(r) : PLACE_BEFORE;
	if (r) {
		r->answered = false;
		__atomic_store_n(&r->slot->state, SLOT_IDLE, __ATOMIC_SEQ_CST);
	}
	if (place == PLACE_ELSEWHERE || index >= t->space->sites->count)
		return false;
	uint64_t site = t->space->sites->site[index].ip;

	if (place == PLACE_CALL)
		arch_site_call(&t->regs, site);
	else if (place == PLACE_PAST || place == PLACE_AFTER)
		arch_site_leave(&t->regs, site);
	else
		arch_site_rewind(&t->regs, site);
	if (r && (place == PLACE_SAVED || place == PLACE_AFTER))
		arch_set_result(&t->regs, place == PLACE_SAVED ? r->slot->saved_nr : r->slot->nr);
	return true;
}

/*
 * The copying code may meet any address: the sentry has found out by now. A single step (the guest's own, by its flags) has
 * to find the guest's code.
 */
bool fast_fault(struct tracee *t, int sig)
{
	if (!t->space || !t->space->sites)
		return false;
	stop_fetch(t);
	if (t->dirty && sig == SIGTRAP) {
		stop_show_code(t);
		return true;
	}
	return t->watch.copied && (sig == SIGSEGV || sig == SIGBUS);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

static struct fast_space *space_new(const struct fast_space *from)
{
	struct fast_space *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->ref);
	if (from && from->sites) {
		ref_get(&from->sites->ref);
		s->sites = from->sites;
	}
	return s;
}

/* A child of the sentry's making is at its first stop, and so is its parent: nothing runs there. */
void fast_cloned(struct tracee *parent, struct tracee *child, bool share_vm)
{
	if (!parent->platform->fast)
		return;
	if (!share_vm) {
		child->space = space_new(parent->space);
		return;
	}
	child->space = parent->space;
	if (!child->space)
		return;
	ref_get(&child->space->ref);
	if (child->space->record)
		turn_off(child->space->record, parent);
}

void fast_detach(struct tracee *t)
{
	struct fast_record *r = t->space ? t->space->record : NULL;

	if (!r)
		return;
	fast_enter(t);
	if (r->tracee == t) {
		atomic_store(&r->on, false);
		r->tracee = NULL;
	}
}

void fast_finish(struct tracee *t)
{
	struct fast_space *s = t->space;

	if (!s)
		return;
	t->space = NULL;
	if (!ref_put(&s->ref))
		return;
	if (s->record) {
		if (held != s->record) {
			fast_leave();
			claim_take(s->record);
			held = s->record;
		}
		record_free(s->record);
	}
	sites_put(s->sites);
	mem_free(s);
}
