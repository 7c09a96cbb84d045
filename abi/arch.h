/* Selects what differs between guest architectures: call numbers, and the few structures with a layout of their own. */
#ifndef ABI_ARCH_H
#define ABI_ARCH_H

#if defined(__x86_64__)
#include "abi/x86_64/memory.h"
#include "abi/x86_64/nr.h"
#include "abi/x86_64/stat.h"
#include "abi/x86_64/sigcontext.h"
#else
#error "no guest ABI for this architecture"
#endif

#endif
