/* The clock page on the sentry's side. */
#ifndef PLATFORM_ARCH_X86_64_CLOCKPAGE_H
#define PLATFORM_ARCH_X86_64_CLOCKPAGE_H

/*
 * Where it is mapped in this process, read and write, shared with what is cloned from it; NULL before
 * arch_clock_setup().
 */
void *clockpage_address(void);

#endif
