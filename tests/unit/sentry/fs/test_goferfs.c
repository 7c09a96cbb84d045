/* goferfs and the overlay above it, with a real gofer. What needs no call is tested by killing the gofer first: a call then gives -EIO. */
#include "fs_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "gofer/gofer.h"
#include "gofer/seal.h"
#include "gofer/store.h"
#include "sentry/fs/gofer_client.h"
#include "sentry/fs/goferfs.h"

static struct world w;
static char dir[32];
static char sealed[200]; /* the path of a sealed tree; empty: the root is `dir` */
static pid_t gofer;
static int lifeline;
static uint32_t gofer_handles; /* 0: the default */
static struct gofer_client *client;

static void host(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	cr_assert_eq(system(line), 0, "%s", command);
}

static void gofer_child(int sock)
{
	struct gofer_config cfg;

	if (gofer_config_recv(sock, &cfg) < 0)
		_exit(100);
	_exit(gofer_main(&cfg));
}

static void start_gofer(uint32_t flags)
{
	struct gofer_client_config cc = { .channels = 1 };
	struct gofer_config cfg;
	int sock[2], channel[2];

	gofer_config_init(&cfg);
	strcpy(cfg.root[0].name, "0");
	if (sealed[0])
		cfg.root[0].path = mem_strdup(sealed);
	else
		cfg.root[0].fd = open(dir, O_PATH | O_CLOEXEC);
	cfg.root[0].flags = flags;
	cfg.roots = 1;
	cfg.unlocked = true;
	cfg.max_handles = gofer_handles;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	gofer = fork();
	if (gofer == 0) {
		close(sock[0]);
		close(channel[0]);
		gofer_child(sock[1]);
	}
	close(sock[1]);
	cfg.channel[0].fd = channel[1];
	cfg.channels = 1;
	cfg.log_fd = -1;
	cr_assert_eq(gofer_config_send(sock[0], &cfg), 0);
	gofer_config_clear(&cfg);
	lifeline = sock[0];
	cc.fds = channel;
	client = gofer_client_new(&cc);
	cr_assert_not_null(client);
}

/* The gofer is gone: from here on whatever works works without it. */
static void kill_gofer(void)
{
	kill(gofer, SIGKILL);
	waitpid(gofer, NULL, 0);
	gofer = 0;
}

static void setup(void)
{
	strcpy(dir, "/tmp/picket-goferfs-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	host("umask 022; mkdir -p a/b/c list; echo deep > a/b/c/f; echo text > file; ln -s a/b link; for i in 1 2 3; do echo $i > list/$i; done");
}

static void teardown(void)
{
	char line[64];

	world_done(&w);
	gofer_client_free(client);
	close(lifeline);
	if (gofer)
		waitpid(gofer, NULL, 0);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	cr_assert_eq(system(line), 0);
}

static struct super *attach(enum boot_cache cache, uint32_t flags)
{
	struct super *s = NULL;
	uint32_t mount_flags;

	start_gofer(flags);
	cr_assert_eq(goferfs_create(NULL, client, 0, cache, &s, &mount_flags), 0);
	return s;
}

TestSuite(goferfs, .init = setup, .fini = teardown);

Test(goferfs, what_was_seen_once_needs_no_gofer)
{
	world_init(&w, attach(BOOT_CACHE_EXCLUSIVE, GOFER_ROOT_READONLY));
	cr_assert_str_eq(text_at(&w, "/a/b/c/f"), "deep\n");
	cr_assert_eq(look(&w, "/link/c", 0), 0);
	cr_assert_eq(look(&w, "/a/none", 0), -ENOENT);
	kill_gofer();
	cr_assert_str_eq(text_at(&w, "/a/b/c/f"), "deep\n");
	cr_assert_str_eq(text_at(&w, "/link/c/f"), "deep\n");
	cr_assert_eq(attr_of(&w, "/a/b/c/f").size, 5);
	cr_assert_eq(look(&w, "/a/none", 0), -ENOENT);
	cr_assert_eq(look(&w, "/a/other", 0), -EIO);
}

Test(goferfs, a_listing_answers_for_every_name)
{
	world_init(&w, attach(BOOT_CACHE_IMMUTABLE, GOFER_ROOT_READONLY));
	cr_assert_eq(strlen(names_in(&w, "/list")), 6);
	kill_gofer();
	cr_assert_eq(attr_of(&w, "/list/2").size, 2);
	cr_assert_eq(look(&w, "/list/4", 0), -ENOENT);
	cr_assert_eq(strlen(names_in(&w, "/list")), 6);
}

Test(goferfs, one_call_brings_a_whole_path)
{
	world_init(&w, attach(BOOT_CACHE_IMMUTABLE, GOFER_ROOT_READONLY));
	cr_assert_eq(look(&w, "/a/b/c/none", 0), -ENOENT);
	kill_gofer();
	cr_assert_eq(look(&w, "/a/b/c", 0), 0);
	cr_assert_eq(look(&w, "/a/b/c/none", 0), -ENOENT);
}

Test(goferfs, a_shared_volume_is_asked_every_time)
{
	world_init(&w, attach(BOOT_CACHE_SHARED, 0));
	cr_assert_str_eq(text_at(&w, "/file"), "text\n");
	cr_assert_eq(look(&w, "/new", 0), -ENOENT);
	host("echo longer text > file; echo n > new; rm list/1; mv a z");
	cr_assert_str_eq(text_at(&w, "/file"), "longer text\n");
	cr_assert_eq(attr_of(&w, "/file").size, 12);
	cr_assert_eq(look(&w, "/new", 0), 0);
	cr_assert_eq(look(&w, "/list/1", 0), -ENOENT);
	cr_assert_eq(look(&w, "/a/b", 0), -ENOENT);
	cr_assert_eq(strlen(names_in(&w, "/list")), 4);
}

/* On a shared volume making and removing are tried before the name is asked about: what was done outside decides, not what was known. */
Test(goferfs, shared_names_are_the_hosts_when_made_or_removed)
{
	struct open_how excl = { .flags = LX_O_CREAT | LX_O_EXCL | LX_O_WRONLY, .mode = 0644 };
	struct file *f = NULL;

	world_init(&w, attach(BOOT_CACHE_SHARED, 0));
	host("echo theirs > made");
	cr_assert_eq(vfs_open(&w.t, LX_AT_FDCWD, "/made", &excl, &f), -EEXIST);
	f = open_file(&w, "/made", LX_O_CREAT | LX_O_RDWR);
	cr_assert_str_eq(text_of(&w, f), "theirs\n", "opened, not made anew");
	file_put(f);
	cr_assert_eq(make(&w, "/made", DIR_MODE), -EEXIST);
	host("ln -s nowhere dangling");
	f = open_file(&w, "/dangling", LX_O_CREAT | LX_O_RDWR);
	file_put(f);
	cr_assert_eq(look(&w, "/nowhere", 0), 0, "made where the link leads");
	host("rm made; mkdir made");
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/made"), -EISDIR);
	host("rmdir made; echo again > made");
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/made"), -ENOTDIR);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/made"), 0);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/made"), -ENOENT);
	cr_assert_eq(look(&w, "/file", 0), 0);
	host("rm file");
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/file"), -ENOENT);
}

/* One call for the walk and the attributes: with the second call gone, the gofer's death between them cannot be seen. */
Test(goferfs, shared_attributes_come_with_the_walk)
{
	struct path p = { 0 };
	struct attr a;
	bool told = false;

	world_init(&w, attach(BOOT_CACHE_SHARED, 0));
	cr_assert_eq(look(&w, "/file", 0), 0);
	host("echo longer text > file");
	cr_assert_eq(vfs_walk_told(&w.t, LX_AT_FDCWD, "/file", 0, &p, &told), 0);
	cr_assert(told);
	kill_gofer();
	inode_attr(path_inode(&p), &a);
	cr_assert_eq(a.size, 12);
	path_put(&p);
	cr_assert_eq(vfs_walk_told(&w.t, LX_AT_FDCWD, "/", 0, &p, &told), 0);
	cr_assert_not(told, "the root was not asked about");
	path_put(&p);
}

Test(goferfs, changes_reach_the_host)
{
	struct file *f;

	world_init(&w, attach(BOOT_CACHE_EXCLUSIVE, 0));
	write_text(&w, "/list/new", "abc");
	f = open_file(&w, "/list/new", LX_O_WRONLY | LX_O_APPEND);
	cr_assert_eq(put_bytes(&w, f, "def", -1), 3);
	file_put(f);
	cr_assert_eq(attr_of(&w, "/list/new").size, 6);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/list/new", LX_AT_FDCWD, "/a/moved", 0), 0);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/list/1"), 0);
	cr_assert_eq(make(&w, "/list/d", DIR_MODE), 0);
	cr_assert_eq(make_link(&w, "/list/l", "d"), 0);
	host("test $(cat a/moved) = abcdef && test ! -e list/1 && test -d list/d && test $(readlink list/l) = d && test ! -e list/new");
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/a"), -ENOTEMPTY);
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/list/d"), 0);
	host("test ! -e list/d");
}

Test(goferfs, an_overlay_leaves_the_host_alone)
{
	world_init(&w, overlay_create(NULL, attach(BOOT_CACHE_EXCLUSIVE, GOFER_ROOT_READONLY), 0));
	write_text(&w, "/file", "changed");
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/a", LX_AT_FDCWD, "/renamed", 0), 0);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/list/2"), 0);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/file"), "changed");
	cr_assert_str_eq(text_at(&w, "/renamed/b/c/f"), "deep\n");
	cr_assert_eq(look(&w, "/link/c", 0), -ENOENT, "the link's target has moved");
	cr_assert_eq(strlen(names_in(&w, "/list")), 4);
	host("test $(cat file) = text && test -f a/b/c/f && test -f list/2");
}

Test(goferfs, handles_that_only_the_cache_holds_are_given_back_when_they_run_out)
{
	char name[32];

	host("mkdir many; for i in $(seq 60); do mkdir many/$i; done");
	gofer_handles = 24;
	world_init(&w, attach(BOOT_CACHE_EXCLUSIVE, GOFER_ROOT_READONLY));
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i <= 60; i++) {
			snprintf(name, sizeof(name), "/many/%d/none", i);
			cr_assert_eq(look(&w, name, 0), -ENOENT, "%s", name);
		}
	}
}

/* ---- sealed trees: gofer/sealed_index.h ---- */

/* Seals what setup() made; from here on the root is the sealed tree. */
static void seal(void)
{
	struct seal_result r;
	struct store store;
	int state, from;

	host("mkdir in && mv a list link file in && ln -s ../../../file in/a/b/c/up && mkdir in/empty in/list/z && touch in/list/z/last");
	state = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	from = openat(state, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(store_open(state, &store), 0);
	cr_assert_eq(seal_tree(from, "out", NULL, &store, &r), 0, "%s", r.why);
	snprintf(sealed, sizeof(sealed), "%s/store/sha256/%s/tree", dir, r.root);
	store_close(&store);
	close(from);
	close(state);
}

Test(goferfs, a_sealed_tree_is_known_without_the_gofer)
{
	char target[64];
	struct path p = { 0 };

	seal();
	world_init(&w, attach(BOOT_CACHE_IMMUTABLE, GOFER_ROOT_READONLY | GOFER_ROOT_IMMUTABLE));
	kill_gofer();
	cr_assert_str_eq(names_in(&w, "/"), "a empty file link list ");
	cr_assert_str_eq(names_in(&w, "/list"), "1 2 3 z ");
	cr_assert_str_eq(names_in(&w, "/empty"), "");
	cr_assert_str_eq(names_in(&w, "/a/b"), "c ");
	cr_assert_eq(attr_of(&w, "/a/b/c/f").size, 5);
	cr_assert_eq(attr_of(&w, "/a/b/c/f").mode, LX_S_IFREG | 0444);
	cr_assert_eq(attr_of(&w, "/list/z/last").size, 0);
	cr_assert_eq(look(&w, "/link/c/f", 0), 0, "through a symlink");
	cr_assert_eq(look(&w, "/a/b/c/up", 0), 0);
	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/a/b/c/up", WALK_NOFOLLOW, &p), 0);
	cr_assert_eq(vfs_readlink(&w.t, &p, target, sizeof(target)), 13);
	cr_assert_eq(memcmp(target, "../../../file", 13), 0);
	path_put(&p);
	cr_assert_eq(look(&w, "/none", 0), -ENOENT);
	cr_assert_eq(look(&w, "/a/b/c/none", 0), -ENOENT);
	dcache_shrink();
	cr_assert_eq(attr_of(&w, "/a/b/c/f").size, 5, "not from what is cached: from the index");
}

Test(goferfs, files_of_a_sealed_tree_are_opened_by_its_index)
{
	seal();
	world_init(&w, attach(BOOT_CACHE_IMMUTABLE, GOFER_ROOT_READONLY | GOFER_ROOT_IMMUTABLE));
	cr_assert_str_eq(text_at(&w, "/a/b/c/f"), "deep\n");
	cr_assert_str_eq(text_at(&w, "/link/c/up"), "text\n");
}

/* Of each kind of damage: the gofer is asked as if there were no index. */
static void is_ignored_after(const char *damage)
{
	seal();
	host("chmod -R u+w store");
	host(damage);
	world_init(&w, attach(BOOT_CACHE_IMMUTABLE, GOFER_ROOT_READONLY | GOFER_ROOT_IMMUTABLE));
	cr_assert_str_eq(text_at(&w, "/a/b/c/f"), "deep\n");
	cr_assert_eq(strlen(names_in(&w, "/list")), 8);
	kill_gofer();
	cr_assert_neq(look(&w, "/empty/none", 0), -ENOENT, "only the gofer knows");
}

Test(goferfs, a_sealed_index_with_a_flipped_byte_is_ignored)
{
	is_ignored_after("printf x | dd of=$(echo store/sha256/*/index) bs=1 seek=400 conv=notrunc 2>/dev/null");
}

Test(goferfs, a_sealed_index_cut_short_is_ignored)
{
	is_ignored_after("truncate -s -1 store/sha256/*/index");
}

Test(goferfs, a_sealed_index_of_a_tree_that_was_changed_is_ignored)
{
	is_ignored_after("chmod 0555 store/sha256/*/tree");
}

Test(goferfs, an_empty_sealed_index_is_ignored)
{
	is_ignored_after(": > $(echo store/sha256/*/index)");
}
