/* Patched call sites: which code is taken, what it becomes, and where a stopped thread is. */
#include <criterion/criterion.h>
#include <string.h>

#include "platform/arch_control.h"

#define SITE 0x401000ull

static const uint8_t getppid_site[ARCH_SITE_SIZE] = { 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05 };

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

Test(patch, takes_whole_instructions_before_a_call)
{
	static const uint8_t takes[][ARCH_SITE_SIZE] = {
		{ 0xb8, 1, 2, 3, 4, 0x0f, 0x05 }, { 0xba, 0, 0, 0, 0, 0x0f, 0x05 },
		{ 0xbf, 0, 0, 0, 0, 0x0f, 0x05 }, { 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05 },
	};
	static const uint8_t leaves[][ARCH_SITE_SIZE] = {
		{ 0xb8, 1, 2, 3, 4, 0x0f, 0x34 }, { 0x90, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x05 }, { 0xbc, 0, 0, 0, 0, 0x0f, 0x05 },
		{ 0x4c, 0x8b, 0x4c, 0x24, 0x10, 0x0f, 0x05 }, { 0xe8, 0, 0, 0, 0, 0x0f, 0x05 }, { 0xff, 0x24, 0x25, 8, 0, 0x0f, 0x05 },
	};

	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		cr_assert(arch_site_fits(takes[i]), "takes %zu", i);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		cr_assert(!arch_site_fits(leaves[i]), "leaves %zu", i);
}

Test(patch, the_jump_ends_in_the_call_and_leads_to_the_table)
{
	uint64_t first, last, window = arch_window()->start, entry;
	uint8_t code[ARCH_SITE_SIZE];

	for (int i = 0; i < ARCH_SITES_MAX; i++) {
		uint32_t where;

		memcpy(code, getppid_site, sizeof(code));
		arch_site_patch(i, code);
		cr_assert(code[5] == 0x0f && code[6] == 0x05);
		memcpy(&where, code + 3, sizeof(where));
		entry = arch_table_entry(i, &first);
		cr_assert_eq(where, first);
		cr_assert(first >= window && first + 8 <= window + arch_window()->code_len);
		cr_assert(entry >= window && entry + ARCH_TRAMPOLINE_SIZE <= window + arch_window()->code_len);
		cr_assert(arch_site_is_patched(i, code) && !arch_site_is_patched((i + 1) % ARCH_SITES_MAX, code));
	}
	arch_table_entry(ARCH_SITES_MAX - 1, &last);
	cr_assert_lt(last, arch_table_entry(0, &first), "the table ends before the trampolines");
	cr_assert(!arch_site_is_patched(0, getppid_site));
}

Test(patch, a_trampoline_keeps_the_instruction_and_the_way_back)
{
	uint8_t code[ARCH_TRAMPOLINE_SIZE];
	uint64_t at = arch_trampoline(3, SITE, getppid_site, code), entry;

	cr_assert_eq(at, arch_table_entry(3, &entry));
	cr_assert_eq(memcmp(code, getppid_site, 5), 0);
	cr_assert_eq(u64_at(code + ARCH_TRAMPOLINE_SIZE - 8), SITE + ARCH_SITE_SIZE);
}

Test(patch, a_call_of_a_trampoline_tells_its_site)
{
	uint8_t code[ARCH_TRAMPOLINE_SIZE];
	int found = 0;

	for (int i = 0; i < ARCH_SITES_MAX; i += 101) {
		uint64_t at = arch_trampoline(i, SITE, getppid_site, code);

		for (uint64_t ip = at; ip < at + ARCH_TRAMPOLINE_SIZE; ip++) {
			int site = arch_site_by_call(ip);

			cr_assert(site == -1 || (site == i && code[ip - at - 2] == 0x0f && code[ip - at - 1] == 0x05));
			found += site == i;
		}
	}
	cr_assert_eq(found, (ARCH_SITES_MAX + 100) / 101);
	cr_assert_eq(arch_site_by_call(SITE), -1);
}
