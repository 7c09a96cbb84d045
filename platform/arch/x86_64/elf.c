/* What x86-64 says of itself to programs. */
#include <elf.h>
#include <sys/auxv.h>

#include "platform/arch.h"
#include "xstate.h"

uint16_t arch_elf_machine(void)
{
	return EM_X86_64;
}

const char *arch_platform_string(void)
{
	return "x86_64";
}

/* cpuid(1).edx and the FSGSBASE bit, as the host found them: guests run on its processor. */
uint64_t arch_hwcap(void)
{
	return getauxval(AT_HWCAP);
}

uint64_t arch_hwcap2(void)
{
	return getauxval(AT_HWCAP2);
}

/* The frame, the end mark, the red zone and what alignment may cost. */
uint64_t arch_min_sigstack(void)
{
	return 440 + xstate_frame_size() + 4 + 64 + 16;
}
