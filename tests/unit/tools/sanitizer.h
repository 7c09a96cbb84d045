/* What cannot be tested in a sanitizer's build. */
#ifndef TESTS_UNIT_TOOLS_SANITIZER_H
#define TESTS_UNIT_TOOLS_SANITIZER_H

/* A sanitizer makes host calls of its own, which the children's confinement and shared memory between clone and exec do not allow. */
#ifdef __SANITIZE_ADDRESS__
#define UNDER_SANITIZER true
#else
#define UNDER_SANITIZER false
#endif

#endif
