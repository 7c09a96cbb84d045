/* Sealed outputs in the store, on top of gofer/seal.h: see handover.h. */
#include "tools/pipeline/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/seal.h"

int handover_seal(const struct state *s, const char *work_name, struct handover *out, struct failure *f)
{
	struct seal_result result;
	AUTO_CLOSE int dir = (int)host_ret(openat(s->work_fd, work_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (dir < 0)
		return fail(f, dir, 0, "%s/work/%s: %s", s->path, work_name, strerror(-dir));
	result.why[0] = '\0';
	int err = seal_tree(dir, work_name, NULL, &s->store, &result);
	if (err < 0)
		return fail(f, err, 0, "%.500s", *result.why ? result.why : strerror(-err));
	snprintf(out->hash, sizeof(out->hash), "sha256:%s", result.root);
	out->files = result.files;
	out->bytes = result.bytes;
	return 0;
}

char *handover_path(const struct state *s, const struct handover *h)
{
	return mem_printf("%s/store/sha256/%s/tree", s->path, h->hash + strlen("sha256:"));
}
