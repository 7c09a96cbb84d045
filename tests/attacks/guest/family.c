/*
 * A guest with processes and threads of every kind, that says "ready" and stays: one that sleeps, one that computes, one in a
 * read, one stopped, one in a session of its own, one that ignores every signal, a zombie, and a chain of three.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void sleeps(void)
{
	for (;;)
		pause();
}

static void computes(void)
{
	for (volatile unsigned long i = 0;; i++)
		;
}

static void reads(void)
{
	int p[2];
	char c;

	if (pipe(p) == 0 && read(p[0], &c, 1) < 0)
		_exit(1);
}

static void stops(void)
{
	raise(SIGSTOP);
}

static void leaves(void)
{
	setsid();
	sleeps();
}

static void ignores(void)
{
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	computes();
}

static void ends(void)
{
}

static void chain(void)
{
	if (fork() == 0 && fork() == 0)
		sleeps();
	sleeps();
}

static void *thread(void *arg)
{
	(void)arg;
	sleeps();
	return NULL;
}

int main(void)
{
	static void (*const kinds[])(void) = {sleeps, computes, reads, stops, leaves, ignores, ends, chain};
	pthread_t t;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (fork() == 0) {
			kinds[i]();
			_exit(0);
		}
	}
	pthread_create(&t, NULL, thread, NULL);
	if (write(1, "ready\n", 6) != 6)
		return 1;
	sleeps();
}
