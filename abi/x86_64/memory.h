/* What a program's address space is on x86-64. */
#ifndef ABI_X86_64_MEMORY_H
#define ABI_X86_64_MEMORY_H

#define LX_TASK_SIZE 0x7ffffffff000ull /* addresses end here: one page below 2^47 */

#endif
