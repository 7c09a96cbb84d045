/* The processor as /proc/cpuinfo describes it, from cpuid: guests run on the host's. */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "platform/arch.h"

/* Names of feature bits, 32 a leaf's register, lowest first; "" has no name in Linux or is not the guest's business. */
struct feature_word {
	uint32_t leaf, subleaf;
	int reg; /* eax, ebx, ecx, edx */
	const char *names[32];
};

static const struct feature_word words[] = {
	{ 1, 0, 3, { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge", "mca", "cmov", "pat",
		     "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" } },
	{ 0x80000001, 0, 3, { [11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb", [27] = "rdtscp",
			      [29] = "lm", [30] = "3dnowext", [31] = "3dnow" } },
	{ 1, 0, 2, { "pni", "pclmulqdq", [9] = "ssse3", [12] = "fma", [13] = "cx16", [17] = "pcid", [19] = "sse4_1", [20] = "sse4_2",
		     [21] = "x2apic", [22] = "movbe", [23] = "popcnt", [25] = "aes", [26] = "xsave", [28] = "avx", [29] = "f16c",
		     [30] = "rdrand", [31] = "hypervisor" } },
	{ 0x80000001, 0, 2, { "lahf_lm", "cmp_legacy", [5] = "abm", [6] = "sse4a", [7] = "misalignsse", [8] = "3dnowprefetch",
			      [11] = "xop", [16] = "fma4", [21] = "tbm" } },
	{ 7, 0, 1, { "fsgsbase", [3] = "bmi1", [5] = "avx2", [7] = "smep", [8] = "bmi2", [9] = "erms", [10] = "invpcid",
		     [16] = "avx512f", [17] = "avx512dq", [18] = "rdseed", [19] = "adx", [20] = "smap", [21] = "avx512ifma",
		     [23] = "clflushopt", [24] = "clwb", [28] = "avx512cd", [29] = "sha_ni", [30] = "avx512bw", [31] = "avx512vl" } },
	{ 7, 0, 2, { [1] = "avx512vbmi", [2] = "umip", [3] = "pku", [6] = "avx512_vbmi2", [8] = "gfni", [9] = "vaes",
		     [10] = "vpclmulqdq", [11] = "avx512_vnni", [12] = "avx512_bitalg", [14] = "avx512_vpopcntdq", [22] = "rdpid" } },
	{ 7, 0, 3, { [4] = "fsrm", [14] = "serialize", [22] = "amx_bf16", [23] = "avx512_fp16", [24] = "amx_tile", [25] = "amx_int8" } },
	{ 0xd, 1, 0, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
};

static bool cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	return __get_cpuid_count(leaf, subleaf, &out[0], &out[1], &out[2], &out[3]);
}

static size_t put_flags(char *buf, size_t len)
{
	size_t used = 0;

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		uint32_t reg[4];

		if (!cpuid(words[w].leaf, words[w].subleaf, reg))
			continue;
		for (int bit = 0; bit < 32; bit++) {
			const char *name = words[w].names[bit];

			if (name && *name && reg[words[w].reg] >> bit & 1 && used + strlen(name) + 2 < len)
				used += (size_t)snprintf(buf + used, len - used, " %s", name);
		}
	}
	return used;
}

static void put_brand(char brand[49])
{
	uint32_t reg[4];

	memset(brand, 0, 49);
	for (uint32_t i = 0; i < 3 && cpuid(0x80000002 + i, 0, reg); i++)
		memcpy(brand + i * 16, reg, 16);
	if (!brand[0])
		snprintf(brand, 49, "unknown");
}

void arch_cpu_describe(char *buf, size_t len)
{
	uint32_t id[4] = { 0 }, sig[4] = { 0 }, size[4] = { 0 }, family, model;
	char vendor[13], brand[49], flags[2048];

	cpuid(0, 0, id);
	cpuid(1, 0, sig);
	cpuid(0x80000008, 0, size);
	memcpy(vendor, &id[1], 4);
	memcpy(vendor + 4, &id[3], 4);
	memcpy(vendor + 8, &id[2], 4);
	vendor[12] = 0;
	put_brand(brand);
	family = sig[0] >> 8 & 0xf;
	model = sig[0] >> 4 & 0xf;
	if (family == 0xf || family == 6)
		model |= sig[0] >> 12 & 0xf0;
	if (family == 0xf)
		family += sig[0] >> 20 & 0xff;
	flags[put_flags(flags, sizeof(flags))] = 0;
	snprintf(buf, len,
		 "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
		 "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:%s\nbugs\t\t:\nclflush size\t: %u\ncache_alignment\t: 64\n"
		 "address sizes\t: %u bits physical, %u bits virtual\npower management:\n",
		 vendor, family, model, brand, sig[0] & 0xf, id[0], flags, (sig[1] >> 8 & 0xff) * 8, size[0] & 0xff, size[0] >> 8 & 0xff);
}
