/* Boot specs: any text is decoded or refused with a sentence; what is decoded encodes to what decodes to the same text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/boot/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const char *text)
{
	struct boot_spec *spec;
	char why[200], *twice;

	if (boot_spec_decode(text, strlen(text), &spec, why, sizeof(why)) < 0)
		abort();
	twice = boot_spec_encode(spec);
	if (!twice || strcmp(text, twice) != 0)
		abort();
	mem_free(twice);
	boot_spec_free(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_process *process;
	struct boot_spec *spec;
	char why[200] = "", *text;

	if (boot_spec_decode((const char *)data, size, &spec, why, sizeof(why)) == 0) {
		text = boot_spec_encode(spec);
		if (!text)
			abort();
		again(text);
		mem_free(text);
		boot_spec_free(spec);
	} else if (!*why) {
		abort();
	}
	if (boot_process_decode((const char *)data, size, &process, why, sizeof(why)) == 0)
		boot_process_free(process);
	return 0;
}
