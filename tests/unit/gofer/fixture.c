/*
 * Fixture: see fixture.h. The gofer runs in a forked child, as the runtime would run it, lock-down included (not under
 * ASan).
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

void scratch_make(char path[SCRATCH_MAX])
{
	strcpy(path, "/tmp/picket-gofer-XXXXXX");
	cr_assert_not_null(mkdtemp(path));
	cr_assert_eq(chmod(path, 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static int open_up(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_D && !(st->st_mode & 0200))
		chmod(path, 0755);
	return 0;
}

void scratch_remove(const char *path)
{
	nftw(path, open_up, 16, FTW_PHYS);
	nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

const char *join(const char *dir, const char *name)
{
	static char buf[8][4096];
	static int turn;
	char *s = buf[turn++ % 8];

	snprintf(s, 4096, "%s/%s", dir, name);
	return s;
}

static void add_root(struct gofer_config *cfg, const char *dir, const char *name, uint32_t flags)
{
	struct gofer_root *r = &cfg->root[cfg->roots++];

	strcpy(r->name, name);
	r->flags = flags;
	r->fd = open(dir, O_PATH | O_CLOEXEC);
	cr_assert_geq(r->fd, 0);
}

static void child(int sock)
{
	struct gofer_config cfg;
	int err = gofer_config_recv(sock, &cfg);

	if (err)
		_exit(100);
	_exit(gofer_main(&cfg));
}

void serve_config(struct served *s, struct gofer_config *cfg, bool with_client)
{
	char why[2048] = "";
	int sock[2], err;

	if (!s->dir[0])
		scratch_make(s->dir);
	if (cfg->roots == 0) {
		add_root(cfg, s->dir, "vol0", 0);
		add_root(cfg, s->dir, "vol1", 0);
	}
#ifdef __SANITIZE_ADDRESS__
	cfg->unlocked = true;
#endif
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->channel), 0);
	cr_assert_eq(pipe2(s->log, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0) {
		close(sock[0]);
		close(s->channel[0]);
		child(sock[1]);
	}
	close(sock[1]);
	cfg->channel[0].fd = s->channel[1];
	cfg->channels = 1;
	cfg->log_fd = s->log[1];
	cfg->log_level = LOG_DEBUG;
	cr_assert_eq(gofer_config_send(sock[0], cfg), 0);
	gofer_config_clear(cfg); /* closes channel[1], the log's write end and the roots */
	s->lifeline = sock[0];
	if (with_client) {
		struct gofer_client_config cc = { .fds = s->channel, .channels = 1 };
		struct gofer_entry e;

		s->client = gofer_client_new(&cc);
		cr_assert_not_null(s->client);
		err = gofer_attach(s->client, 0, &e, &s->root_flags);
		if (err)
			read_log(s, why, sizeof(why));
		cr_assert_eq(err, 0, "attach: %d; the gofer says: %s", err, why);
		s->root = e.handle;
	}
}

void serve(struct served *s, uint32_t flags)
{
	struct gofer_config cfg;

	gofer_config_init(&cfg);
	if (!s->dir[0])
		scratch_make(s->dir);
	add_root(&cfg, s->dir, "vol0", flags);
	add_root(&cfg, s->dir, "vol1", 0);
	serve_config(s, &cfg, true);
}

void serve_end(struct served *s)
{
	int status;

	if (s->client)
		gofer_client_free(s->client);
	else
		close(s->channel[0]);
	cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the gofer ended with status %x", status);
	close(s->lifeline);
	close(s->log[0]);
	scratch_remove(s->dir);
}

void read_log(struct served *s, char *buf, size_t size)
{
	struct pollfd p = { .fd = s->log[0], .events = POLLIN };
	size_t len = 0;

	while (len < size - 1 && poll(&p, 1, 300) > 0) {
		ssize_t n = read(s->log[0], buf + len, size - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	buf[len] = 0;
}

struct gofer_name name_of(const char *s)
{
	return (struct gofer_name){ .s = s, .len = (uint16_t)strlen(s) };
}

int64_t walk_to(struct served *s, const char *path, struct gofer_attr *attr)
{
	struct gofer_name names[GOFER_WALK_MAX];
	struct gofer_entry entries[GOFER_WALK_MAX];
	struct gofer_walked w;
	int n = 0, err;

	for (const char *p = path; *p; n++) {
		size_t len = strcspn(p, "/");

		names[n] = (struct gofer_name){ .s = p, .len = (uint16_t)len };
		p += len + (p[len] == '/');
	}
	err = gofer_walk(s->client, s->root, names, n, GOFER_WALK_HANDLE_LAST, entries, NULL, 0, &w);
	if (err || w.error) {
		if (!err && w.count)
			gofer_close(s->client, entries[w.count - 1].handle);
		return err ? err : w.error;
	}
	if (attr)
		*attr = entries[w.count - 1].attr;
	return entries[w.count - 1].handle;
}
