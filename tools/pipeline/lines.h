/* A step's standard output or error: printed line by line with the step's name, the last lines kept for the report. */
#ifndef TOOLS_PIPELINE_LINES_H
#define TOOLS_PIPELINE_LINES_H

#include <stddef.h>

#define LINES_LENGTH 512
#define LINES_KEPT 8

struct lines {
	int fd;              /* the reading end; -1: ended */
	const char *prefix;
	char part[LINES_LENGTH];
	size_t part_len;
	char kept[LINES_KEPT][LINES_LENGTH];
	unsigned int total;
};

/* Makes the pipe; the writing end (for the step) goes to *write_end. 0 or a negative errno. */
int lines_open(struct lines *l, const char *prefix, int *write_end);
/* Takes what is there, without waiting. */
void lines_take(struct lines *l);
/* Takes the rest, prints what has no newline, and closes. */
void lines_close(struct lines *l);
/* The nth of the last lines, oldest first; NULL past the end. */
const char *lines_kept(const struct lines *l, unsigned int n);

#endif
