/* ELF64 as exec(2) and core dumps need it, and the auxiliary vector. */
#ifndef ABI_ELF_H
#define ABI_ELF_H

#include <stdint.h>

#define LX_EI_NIDENT 16
#define LX_EI_CLASS 4
#define LX_EI_DATA 5
#define LX_EI_VERSION 6
#define LX_EI_OSABI 7
#define LX_ELFMAG "\177ELF"
#define LX_SELFMAG 4
#define LX_ELFCLASS32 1
#define LX_ELFCLASS64 2
#define LX_ELFDATA2LSB 1
#define LX_ELFDATA2MSB 2
#define LX_ET_REL 1
#define LX_ET_EXEC 2
#define LX_ET_DYN 3
#define LX_ET_CORE 4
#define LX_EM_386 3
#define LX_EM_X86_64 62
#define LX_EM_AARCH64 183

struct lx_elf64_ehdr {
	uint8_t e_ident[LX_EI_NIDENT];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};
_Static_assert(sizeof(struct lx_elf64_ehdr) == 64, "Elf64_Ehdr");

struct lx_elf64_phdr {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};
_Static_assert(sizeof(struct lx_elf64_phdr) == 56, "Elf64_Phdr");

struct lx_elf64_shdr {
	uint32_t sh_name;
	uint32_t sh_type;
	uint64_t sh_flags;
	uint64_t sh_addr;
	uint64_t sh_offset;
	uint64_t sh_size;
	uint32_t sh_link;
	uint32_t sh_info;
	uint64_t sh_addralign;
	uint64_t sh_entsize;
};
struct lx_elf64_dyn {
	int64_t d_tag;
	uint64_t d_val;
};
struct lx_elf64_sym {
	uint32_t st_name;
	uint8_t st_info;
	uint8_t st_other;
	uint16_t st_shndx;
	uint64_t st_value;
	uint64_t st_size;
};
struct lx_elf64_nhdr {
	uint32_t n_namesz;
	uint32_t n_descsz;
	uint32_t n_type;
};
_Static_assert(sizeof(struct lx_elf64_shdr) == 64, "Elf64_Shdr");
_Static_assert(sizeof(struct lx_elf64_sym) == 24, "Elf64_Sym");

#define LX_PT_NULL 0
#define LX_PT_LOAD 1
#define LX_PT_DYNAMIC 2
#define LX_PT_INTERP 3
#define LX_PT_NOTE 4
#define LX_PT_PHDR 6
#define LX_PT_TLS 7
#define LX_PT_GNU_EH_FRAME 0x6474e550
#define LX_PT_GNU_STACK 0x6474e551
#define LX_PT_GNU_RELRO 0x6474e552
#define LX_PT_GNU_PROPERTY 0x6474e553
#define LX_PF_X 1
#define LX_PF_W 2
#define LX_PF_R 4

struct lx_auxv {
	uint64_t a_type;
	uint64_t a_val;
};
#define LX_AT_NULL 0
#define LX_AT_IGNORE 1
#define LX_AT_EXECFD 2
#define LX_AT_PHDR 3
#define LX_AT_PHENT 4
#define LX_AT_PHNUM 5
#define LX_AT_PAGESZ 6
#define LX_AT_BASE 7
#define LX_AT_FLAGS 8
#define LX_AT_ENTRY 9
#define LX_AT_UID 11
#define LX_AT_EUID 12
#define LX_AT_GID 13
#define LX_AT_EGID 14
#define LX_AT_PLATFORM 15
#define LX_AT_HWCAP 16
#define LX_AT_CLKTCK 17
#define LX_AT_SECURE 23
#define LX_AT_BASE_PLATFORM 24
#define LX_AT_RANDOM 25
#define LX_AT_HWCAP2 26
#define LX_AT_RSEQ_FEATURE_SIZE 27
#define LX_AT_RSEQ_ALIGN 28
#define LX_AT_EXECFN 31
#define LX_AT_SYSINFO_EHDR 33
#define LX_AT_MINSIGSTKSZ 51

#endif
