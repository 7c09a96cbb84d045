/* System call numbers of x86-64, LX_NR_read and so on, from the rows of syscalls.def. */
#ifndef ABI_X86_64_NR_H
#define ABI_X86_64_NR_H

enum lx_nr {
#define SYSCALL(nr, name, ...) LX_NR_##name = (nr),
#include "abi/x86_64/syscalls.def"
#undef SYSCALL
	LX_NR_COUNT
};

#endif
