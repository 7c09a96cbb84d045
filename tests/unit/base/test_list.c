/* Lists: order, removal while iterating, splicing. */
#include <criterion/criterion.h>

#include "base/list.h"

struct item {
	int n;
	struct list link;
};

Test(list, keeps_order_and_removes_while_iterating)
{
	struct list head = LIST_INIT(head);
	struct item it[4] = { { .n = 0 }, { .n = 1 }, { .n = 2 }, { .n = 3 } }, *pos, *tmp;
	int sum = 0;

	cr_assert(list_empty(&head));
	for (int i = 1; i < 4; i++)
		list_push_back(&head, &it[i].link);
	list_push_front(&head, &it[0].link);
	list_for_each_safe(pos, tmp, &head, link) {
		cr_assert_eq(pos->n, sum);
		sum++;
		list_remove(&pos->link);
		list_remove(&pos->link);
	}
	cr_assert_eq(sum, 4);
	cr_assert(list_empty(&head));
}

Test(list, splice_appends_and_empties_the_source)
{
	struct list a = LIST_INIT(a), b = LIST_INIT(b);
	struct item it[3] = { { .n = 0 }, { .n = 1 }, { .n = 2 } }, *pos;
	int next = 0;

	list_push_back(&a, &it[0].link);
	list_push_back(&b, &it[1].link);
	list_push_back(&b, &it[2].link);
	list_splice(&a, &b);
	list_splice(&a, &b);
	cr_assert(list_empty(&b));
	list_for_each(pos, &a, link)
		cr_assert_eq(pos->n, next++);
	cr_assert_eq(next, 3);
}
