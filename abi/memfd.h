/* memfd_create(2): its flags stand in abi/mman.h, seals in abi/fcntl.h. */
#ifndef ABI_MEMFD_H
#define ABI_MEMFD_H

#include "abi/fcntl.h"
#include "abi/mman.h"

#endif
