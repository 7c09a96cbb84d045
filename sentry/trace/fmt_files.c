/* Formatters: attributes of files and file systems, directory entries, open_how. */
#include <inttypes.h>

#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/types.h"
#include "sentry/trace/formatters.h"

static void put_mode(struct trace_ctx *c, uint32_t mode)
{
	trace_put_flags(c->b, &names_file_type, mode & (LX_S_IFMT | LX_S_ISUID | LX_S_ISGID | LX_S_ISVTX));
	trace_putf(c->b, "|%#o", mode & 0777);
}

void trace_fmt_stat(struct trace_ctx *c, uint64_t v)
{
	struct lx_stat st;

	if (!trace_fetch(c, &st, v, sizeof(st)))
		return;
	trace_put(c->b, "{st_mode=");
	put_mode(c, st.st_mode);
	if (LX_S_ISCHR(st.st_mode) || LX_S_ISBLK(st.st_mode))
		trace_putf(c->b, ", st_rdev=makedev(%#x, %#x), ...}", lx_major(st.st_rdev), lx_minor(st.st_rdev));
	else
		trace_putf(c->b, ", st_size=%" PRId64 ", ...}", st.st_size);
}

void trace_fmt_statx(struct trace_ctx *c, uint64_t v)
{
	struct lx_statx sx;

	if (!trace_fetch(c, &sx, v, sizeof(sx)))
		return;
	trace_put(c->b, "{stx_mask=");
	trace_put_flags(c->b, &names_statx_mask, sx.stx_mask);
	trace_put(c->b, ", stx_mode=");
	put_mode(c, sx.stx_mode);
	trace_putf(c->b, ", stx_size=%" PRIu64 ", ...}", sx.stx_size);
}

void trace_fmt_statfs(struct trace_ctx *c, uint64_t v)
{
	struct lx_statfs sf;

	if (!trace_fetch(c, &sf, v, sizeof(sf)))
		return;
	trace_put(c->b, "{f_type=");
	trace_put_flags(c->b, &names_fs_magic, (uint64_t)sf.f_type);
	trace_putf(c->b, ", f_bsize=%" PRId64 ", f_blocks=%" PRIu64 ", f_bfree=%" PRIu64 ", ...}",
		   sf.f_bsize, sf.f_blocks, sf.f_bfree);
}

/* How many, as strace does without -v: the names themselves would fill the page. */
void trace_fmt_dirents64(struct trace_ctx *c, uint64_t v)
{
	struct lx_dirent64 d;
	unsigned count = 0;

	for (uint64_t at = 0; at < (uint64_t)c->ret; at += d.d_reclen, count++)
		if (!trace_peek(c, &d, v + at, LX_DIRENT64_NAME_OFFSET) || !d.d_reclen)
			break;
	trace_putf(c->b, "%#" PRIx64 " /* %u %s */", v, count, count == 1 ? "entry" : "entries");
}

void trace_fmt_open_how(struct trace_ctx *c, uint64_t v)
{
	struct lx_open_how how;

	if (!trace_fetch(c, &how, v, sizeof(how)))
		return;
	trace_put(c->b, "{flags=");
	trace_put_flags(c->b, c->names, how.flags);
	if (how.flags & (LX_O_CREAT | LX_O_TMPFILE_BIT))
		trace_putf(c->b, ", mode=%#" PRIo64, how.mode);
	trace_put(c->b, ", resolve=");
	trace_put_flags(c->b, &names_resolve_flags, how.resolve);
	trace_put(c->b, "}");
}
