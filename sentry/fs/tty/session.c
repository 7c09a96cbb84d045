/* Whose terminal it is: sessions, foreground groups, job control. Linux: drivers/tty/tty_jobctrl.c. */
#include <errno.h>
#include <stddef.h>

#include "abi/cred.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/signal.h"

static void signal_group(struct pgrp *g, int signo)
{
	struct lx_siginfo info;

	if (!g)
		return;
	siginfo_init_kill(&info, signo, NULL);
	signal_send_pgrp(g, &info);
}

/* The task would not notice the signal. */
static bool deaf_to(struct task *t, int signo)
{
	LOCK_GUARD(&t->proc->sig_lock);
	return t->blocked & SIGBIT(signo) || t->proc->actions[signo - 1].handler == LX_SIG_IGN;
}

int tty_job_check(struct task *t, struct tty *tty, int signo)
{
	struct process *p = t->proc;
	struct session *s;

	LOCK_GUARD(&t->k->lock);
	s = p->session;
	if (!s || s->tty != tty || !s->foreground || s->foreground == p->pgrp)
		return 0;
	if (deaf_to(t, signo))
		return signo == LX_SIGTTIN ? -EIO : 0;
	if (pgrp_is_orphaned(p->pgrp, NULL))
		return -EIO;
	signal_group(p->pgrp, signo);
	return -ERESTARTSYS;
}

void tty_signal(struct tty *tty, int signo)
{
	LOCK_GUARD(&tty->k->lock);
	if (tty->session)
		signal_group(tty->session->foreground, signo);
}

/* Neither belongs to the other any more. k->lock held; the caller puts the result. */
static struct tty *part(struct session *s)
{
	struct tty *tty = s->tty;

	if (!tty)
		return NULL;
	tty->session = NULL;
	s->tty = NULL;
	s->foreground = NULL;
	return tty;
}

static void join(struct process *p, struct tty *tty)
{
	p->session->tty = tty_get(tty);
	p->session->foreground = p->pgrp;
	tty->session = p->session;
}

static bool is_leader(const struct process *p)
{
	return p->session && p->session->leader == p->pid;
}

void tty_acquire(struct task *t, struct tty *tty)
{
	LOCK_GUARD(&t->k->lock);
	if (is_leader(t->proc) && !t->proc->session->tty && !tty->session)
		join(t->proc, tty);
}

static int make_controlling(struct task *t, struct tty *tty, bool steal, struct tty **lost)
{
	struct process *p = t->proc;

	LOCK_GUARD(&t->k->lock);
	if (p->session && p->session->tty == tty && is_leader(p))
		return 0;
	if (!is_leader(p) || p->session->tty)
		return -EPERM;
	if (tty->session) {
		if (!steal || !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
			return -EPERM;
		*lost = part(tty->session);
	}
	join(p, tty);
	return 0;
}

int tty_make_controlling(struct task *t, struct tty *tty, bool steal)
{
	struct tty *lost = NULL;
	int ret = make_controlling(t, tty, steal, &lost);

	tty_put(lost);
	return ret;
}

/* The sentry keeps the terminal by session: one process of many cannot give up its own. */
int tty_disown(struct task *t, struct tty *tty)
{
	struct tty *lost = NULL;

	lock_take(&t->k->lock);
	if (!t->proc->session || t->proc->session->tty != tty) {
		lock_drop(&t->k->lock);
		return -ENOTTY;
	}
	if (is_leader(t->proc)) {
		signal_group(t->proc->session->foreground, LX_SIGHUP);
		signal_group(t->proc->session->foreground, LX_SIGCONT);
		lost = part(t->proc->session);
	}
	lock_drop(&t->k->lock);
	tty_put(lost);
	return 0;
}

void tty_hangup_session(struct tty *tty)
{
	struct lx_siginfo hup, cont;
	struct tty *lost = NULL;
	struct pid_entry *e;

	siginfo_init_kill(&hup, LX_SIGHUP, NULL);
	siginfo_init_kill(&cont, LX_SIGCONT, NULL);
	lock_take(&tty->k->lock);
	if (tty->session) {
		e = pid_entry(tty->k, tty->session->leader);
		if (e && e->proc) {
			signal_send_process(e->proc, &hup);
			signal_send_process(e->proc, &cont);
		}
		lost = part(tty->session);
	}
	lock_drop(&tty->k->lock);
	tty_put(lost);
}

void tty_session_leader_exit(struct session *s)
{
	struct kernel *k = the_kernel;
	struct tty *lost;

	lock_take(&k->lock);
	if (s->tty)
		signal_group(s->foreground, LX_SIGHUP);
	lost = part(s);
	lock_drop(&k->lock);
	tty_put(lost);
}

int tty_get_foreground(struct task *t, struct tty *tty, bool master)
{
	LOCK_GUARD(&t->k->lock);
	if (!master && (!t->proc->session || t->proc->session->tty != tty))
		return -ENOTTY;
	return tty->session && tty->session->foreground ? tty->session->foreground->id : 0;
}

int tty_get_sid(struct task *t, struct tty *tty, bool master)
{
	LOCK_GUARD(&t->k->lock);
	if (!master && (!t->proc->session || t->proc->session->tty != tty))
		return -ENOTTY;
	return tty->session ? tty->session->id : -ENOTTY;
}

int tty_set_foreground(struct task *t, struct tty *tty, int pgid)
{
	struct session *s;
	struct pid_entry *e;
	int ret = tty_job_check(t, tty, LX_SIGTTOU);

	if (ret < 0)
		return ret == -EIO ? -ENOTTY : ret;
	LOCK_GUARD(&t->k->lock);
	s = t->proc->session;
	if (!s || s->tty != tty)
		return -ENOTTY;
	if (pgid < 0)
		return -EINVAL;
	e = pid_entry(t->k, pgid);
	if (!e || !e->pgrp)
		return -ESRCH;
	if (e->pgrp->session != s)
		return -EPERM;
	s->foreground = e->pgrp;
	return 0;
}

struct tty *tty_of_task(struct task *t)
{
	LOCK_GUARD(&t->k->lock);
	return t->proc->session && t->proc->session->tty ? tty_get(t->proc->session->tty) : NULL;
}
