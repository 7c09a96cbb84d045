/* Reference counts. The object frees itself when the last reference is dropped; underflow aborts the process. */
#ifndef BASE_REF_H
#define BASE_REF_H

#include <stdatomic.h>
#include <stdbool.h>

struct ref {
	atomic_int count;
};

/* The creator holds the first reference. */
void ref_init(struct ref *r);
void ref_get(struct ref *r);
/* Takes a reference unless the count has already reached zero; true when taken. For lookup tables that hold none. */
bool ref_get_unless_zero(struct ref *r);
/* Drops a reference; true when it was the last, and the caller must free the object. */
bool ref_put(struct ref *r);

#endif
