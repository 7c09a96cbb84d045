/* sysinfo(2): kept with the other questions about the machine. */
#ifndef ABI_SYSINFO_H
#define ABI_SYSINFO_H

#include "abi/utsname.h"

#endif
