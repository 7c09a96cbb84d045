/* What builds with the address sanitizer have to be told. Nothing in others. */
#ifndef BASE_SANITIZE_H
#define BASE_SANITIZE_H

#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Memory on which somebody else has run without returning (a vfork child): its frames' marks are taken off. */
static inline void sanitize_reused(void *stack, size_t n)
{
	__asan_unpoison_memory_region(stack, n);
}

static inline void sanitize_print_stack(void)
{
	__sanitizer_print_stack_trace();
}
#else
static inline void sanitize_reused(void *stack, size_t n)
{
	(void)stack;
	(void)n;
}

static inline void sanitize_print_stack(void)
{
}
#endif

#endif
