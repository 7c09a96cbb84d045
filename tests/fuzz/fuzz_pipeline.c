/* Pipeline files: any bytes are a pipeline, or refused with one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/pipeline/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct failure f = { 0 };
	struct pipeline p;
	char path[64];
	int fd = memfd_create("pipeline", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (pipeline_load(path, &p, &f) == 0)
		pipeline_free(&p);
	else if (!*f.text || strchr(f.text, '\n'))
		abort();
	close(fd);
	return 0;
}
