# Picket's build. `make help` says what there is to make.
#
# Sources are found by wildcard. Every folder is compiled with an include root of its own ($(O)/include/FOLDER, symlinks), in
# which only those headers exist that the folder may use: a wrong include does not compile.
#
# VARIANT: release (build/, static), debug (build/debug, PICKET_DEBUG on; unit tests), asan (build/asan, sanitizers),
# fuzz (build/fuzz, clang's libFuzzer).

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
VARIANT ?= release
O       ?= build
PREFIX  ?= /usr/local
CC      := gcc
AR      := gcc-ar
TOP     := $(CURDIR)
NPROC   := $(shell nproc)
Q       := $(if $(V),,@)

# ---- sources --------------------------------------------------------------------------------------------------------------

LAYERS := base platform gofer sentry tools
SRC_DIRS_base     := platform/base
SRC_DIRS_platform := platform
SRC_DIRS_gofer    := gofer
SRC_DIRS_sentry   := sentry
SRC_DIRS_tools    := tools

# Not part of the program: the demo's files, lint scripts, and the vDSO, which is a library of its own.
find_sources = $(sort $(shell find $(1) \( -name demo -o -name vdso -o -name guest \) -prune -o \( -name '*.c' -o -name '*.S' \) -print 2>/dev/null))
SRCS_base     := $(call find_sources,platform/base)
SRCS_platform := $(filter-out platform/base/%,$(call find_sources,platform))
SRCS_gofer    := $(call find_sources,gofer)
SRCS_sentry   := $(call find_sources,sentry)
SRCS_tools    := $(filter-out tools/main.c,$(call find_sources,tools))
MAIN          := $(wildcard tools/main.c)

objects = $(patsubst %,$(O)/obj/%.o,$(basename $(1)))
$(foreach l,$(LAYERS),$(eval OBJS_$(l) := $$(call objects,$$(SRCS_$(l)))))
MAIN_OBJ := $(call objects,$(MAIN))
ALL_OBJS := $(foreach l,$(LAYERS),$(OBJS_$(l)))
LIBS     := $(foreach l,$(LAYERS),$(O)/lib/$(l).a)

# ---- flags ----------------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wundef
# -D_GNU_SOURCE= equals a bare `#define _GNU_SOURCE`, which a file may have too.
CPPFLAGS := -D_GNU_SOURCE= -DPICKET_VERSION='"$(VERSION)"'
CFLAGS   := -std=gnu11 -g $(WARNINGS) -fno-strict-aliasing -fPIE -ffunction-sections -fdata-sections -pthread
LDLIBS   := -lseccomp -luring -lyaml -ljansson -lnettle -lxxhash -lcapstone

ifeq ($(VARIANT),release)
CFLAGS   += -O2 -fstack-protector-strong
CPPFLAGS += -D_FORTIFY_SOURCE=2
# Relocations in two bits each: they are read at each of a sandbox's three starts.
LDFLAGS  := -static-pie -Wl,-z,pack-relative-relocs
ENTRY    := -Wl,-e,picket_entry # tools/start.S
else ifeq ($(VARIANT),debug)
CFLAGS   += -O1 -fstack-protector-strong
CPPFLAGS += -DPICKET_DEBUG
LDFLAGS  := -pie
else ifeq ($(VARIANT),asan)
CFLAGS   += -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CPPFLAGS += -DPICKET_DEBUG
LDFLAGS  := -pie -fsanitize=address,undefined
else ifeq ($(VARIANT),fuzz)
CC       := clang
# gcc is the compiler whose warnings count.
CFLAGS   := $(filter-out $(WARNINGS),$(CFLAGS)) -w -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CPPFLAGS += -DPICKET_DEBUG
LDFLAGS  := -pie -fsanitize=fuzzer,address,undefined
else
$(error VARIANT is release, debug, asan or fuzz, not $(VARIANT))
endif
LDFLAGS += -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed

# ---- what users type ------------------------------------------------------------------------------------------------------

.PHONY: unit-build all obj lib deps test unit conformance programs test-programs faults attacks bench bench-peers lint fuzz fuzzcalls asan demo clean help install FORCE
all: $(O)/libpicket.a $(if $(MAIN),$(O)/picket)
	$(if $(MAIN),,@echo 'tools/main.c is not there yet: no picket binary')

help:
	@sed 's/^\t//' tools/make-help.txt

# ---- include roots --------------------------------------------------------------------------------------------------------
# Rows: ROOT NAME TARGET. A root is a folder under $(O)/include; NAME in it is a symlink to TARGET.

define INCLUDE_ROOTS
base abi abi
base base platform/base
platform abi abi
platform base platform/base
platform platform platform
gofer abi abi
gofer base platform/base
gofer gofer gofer
sentry abi abi
sentry base platform/base
sentry platform/platform.h platform/platform.h
sentry platform/arch.h platform/arch.h
sentry gofer/wire.h gofer/wire.h
sentry gofer/sealed_index.h gofer/sealed_index.h
sentry sentry sentry
boot abi abi
boot base platform/base
boot platform platform
boot gofer gofer
boot sentry sentry
tools abi abi
tools base platform/base
tools platform platform
tools gofer gofer
tools sentry sentry
tools tools tools
tools harness tests/harness
endef
export INCLUDE_ROOTS

ROOTS_MADE := $(O)/include/made
$(ROOTS_MADE): Makefile
	@rm -rf $(O)/include && mkdir -p $(O)/include
	@while read -r root name target; do \
		mkdir -p "$$(dirname "$(O)/include/$$root/$$name")"; \
		ln -sfnr "$$target" "$(O)/include/$$root/$$name"; \
	done <<< "$$INCLUDE_ROOTS"
	@touch $@

# Changes when the flags do; every object depends on it.
FLAGS_FILE := $(O)/flags
$(FLAGS_FILE): FORCE
	@mkdir -p $(@D) && echo '$(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CPPFLAGS) $(CFLAGS)' > $@

# The root of a source file. sentry/main*.c boots the sentry: it alone names a concrete platform.
root_of = $(strip $(if $(filter platform/base/%,$(1)),base,$(if $(filter sentry/main%,$(1)),boot,$(firstword $(subst /, ,$(1))))))

# ---- objects, archives, the program ---------------------------------------------------------------------------------------

compile = $(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -I$(O)/include/$(call root_of,$<) $(EXTRA_$(basename $(notdir $<))) -MMD -MP -c -o $@ $<

$(O)/obj/%.o: %.c $(FLAGS_FILE) | $(ROOTS_MADE)
	$(if $(Q),@echo "  CC $<")
	$(compile)

.PRECIOUS: $(O)/obj/%.o
$(O)/obj/%.o: %.S $(FLAGS_FILE) | $(ROOTS_MADE)
	$(if $(Q),@echo "  AS $<")
	$(compile)

# The vDSO that guests see: a shared object of its own, embedded by .incbin of the macro PICKET_VDSO_SO in a .S file.
VDSO_DIR  := platform/arch/x86_64/vdso
VDSO_SRCS := $(wildcard $(VDSO_DIR)/*.c $(VDSO_DIR)/*.S)
VDSO_LDS  := $(wildcard $(VDSO_DIR)/*.lds)
VDSO_SO   := $(O)/vdso/vdso.so
ifneq ($(VDSO_SRCS),)
# Only for the one file that embeds it, so that objects do not depend on where the tree stands.
EXTRA_vdso_image := -DPICKET_VDSO_SO='"$(abspath $(VDSO_SO))"'
$(filter $(call objects,$(filter %.S,$(SRCS_platform))),$(OBJS_platform)): $(VDSO_SO)
endif
$(VDSO_SO): $(VDSO_SRCS) $(VDSO_LDS) $(wildcard $(VDSO_DIR)/*.h) $(ROOTS_MADE)
	$(if $(Q),@echo "  VDSO $@")
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARNINGS) -D_GNU_SOURCE= -I$(O)/include/platform -shared -fPIC -nostdlib -ffreestanding \
		-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both \
		-Wl,-Bsymbolic -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-z,max-page-size=4096 $(if $(VDSO_LDS),-Wl$(comma)-T$(comma)$(VDSO_LDS)) -o $@ $(VDSO_SRCS)
comma := ,

# DIRS="gofer platform/base" compiles the objects below those folders only.
DIRS ?= $(SRC_DIRS_base) $(filter-out platform/base,$(foreach l,$(LAYERS),$(SRC_DIRS_$(l))))
obj: $(filter $(foreach d,$(DIRS),$(O)/obj/$(d)/%),$(ALL_OBJS) $(MAIN_OBJ))

# LENIENT=1: an archive is made of what compiles now (for work in a tree where somebody else's file is broken).
define archive_rule
ifeq ($(LENIENT),)
$(O)/lib/$(1).a: $(OBJS_$(1)) $(O)/lib/$(1).list
	@rm -f $$@ && $(AR) rcs $$@ $(OBJS_$(1))
else
$(O)/lib/$(1).a: $(O)/lib/$(1).list FORCE
	-@$(MAKE) -k --no-print-directory LENIENT= $(OBJS_$(1))
	@rm -f $$@ && $(AR) rcs $$@ $$$$(ls $(OBJS_$(1)) 2>/dev/null)
endif
# Changes when a source file comes or goes.
$(O)/lib/$(1).list: FORCE
	@mkdir -p $$(@D) && echo '$(OBJS_$(1))' | cmp -s - $$@ || echo '$(OBJS_$(1))' > $$@
endef
$(foreach l,$(LAYERS),$(eval $(call archive_rule,$(l))))
lib: $(LIBS)

$(O)/libpicket.a: $(LIBS)
	@rm -f $@ && $(AR) rcs $@ $$(ls $(ALL_OBJS) $(if $(LENIENT),2>/dev/null))

$(O)/picket: $(MAIN_OBJ) $(LIBS)
	$(if $(Q),@echo "  LD $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(ENTRY) -Wl,--gc-sections -o $@ $(MAIN_OBJ) -Wl,--start-group $(LIBS) -Wl,--end-group $(LDLIBS)

install: $(O)/picket
	install -D -m 755 $(O)/picket $(DESTDIR)$(PREFIX)/bin/picket

# ---- unit tests -------------------------------------------------------------------------------------------------------------
# One Criterion binary for each folder below tests/unit that has .c files: tests/unit/sentry/fs becomes $(O)/unit/sentry-fs. Always
# built with PICKET_DEBUG: in the release variant this means in $(O)/debug.

# Not linked with --gc-sections: Criterion finds its tests by a section that nothing refers to.

UNIT      ?=
UNIT_DIRS := $(sort $(patsubst tests/unit/%/,%,$(dir $(shell find tests/unit -name '*.c' 2>/dev/null))))
UNIT_SEL  := $(if $(UNIT),$(foreach u,$(UNIT),$(filter $(u) $(u)/%,$(UNIT_DIRS))),$(UNIT_DIRS))
UNIT_BINS := $(foreach d,$(UNIT_SEL),$(O)/unit/$(subst /,-,$(d)))

# The archives that a folder's tests are linked with; a folder's layer is its first part.
UNIT_LIBS_base     := base
UNIT_LIBS_platform := platform base
UNIT_LIBS_gofer    := gofer base
UNIT_LIBS_sentry   := sentry platform gofer base
UNIT_LIBS_tools    := tools sentry platform gofer base
unit_libs = $(patsubst %,$(O)/lib/%.a,$(or $(UNIT_LIBS_$(firstword $(subst /, ,$(1)))),$(LAYERS)))
# The sentry's side of the gofer protocol is tested against the real server.
UNIT_OBJS_gofer    := $(call objects,$(wildcard sentry/fs/gofer_c*.c))

$(O)/obj/tests/%.o: tests/%.c $(FLAGS_FILE) | $(ROOTS_MADE)
	$(if $(Q),@echo "  CC $<")
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -I$(O)/include/tools -MMD -MP -c -o $@ $<

define unit_rule
$(O)/unit/$(subst /,-,$(1)): $(call objects,$(wildcard tests/unit/$(1)/*.c)) $(call unit_libs,$(1)) $(UNIT_OBJS_$(1))
	@mkdir -p $$(@D)
	$(if $(Q),@echo "  LD $$@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $(call objects,$(wildcard tests/unit/$(1)/*.c)) $(UNIT_OBJS_$(1)) \
		-Wl,--start-group $(call unit_libs,$(1)) -Wl,--end-group $(LDLIBS) -lcriterion
endef
ifneq ($(VARIANT),release)
$(foreach d,$(UNIT_DIRS),$(eval $(call unit_rule,$(d))))
unit: $(UNIT_BINS)
	@tests/harness/run-unit.sh $(UNIT_BINS)
else
unit:
	+@$(MAKE) --no-print-directory VARIANT=debug O=$(O)/debug unit
endif

# ---- guest programs -----------------------------------------------------------------------------------------------------------
# Small static programs that run on the host and inside: tests/SUITE/guest/DIR/x.c becomes $(O)/SUITE/DIR/x. System headers and
# tests/conformance/tap.h only. The same for .S (bare assembly, -nostdlib).

GUEST_SUITES := conformance programs faults attacks
# Guests do wrong things on purpose: what the compiler says about a call's arguments is off.
GUEST_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -Wno-unused-result -Wno-nonnull -Wno-stringop-overflow -Wno-stringop-overread \
	-Wno-array-bounds -Wno-infinite-recursion -Wno-format-truncation -Wno-deprecated-declarations -D_GNU_SOURCE= -Itests/conformance -pthread -static

guest_sources = $(shell find tests/$(1)/guest -name '*.c' -o -name '*.S' 2>/dev/null)
define guest_suite
GUESTS_$(1) := $(foreach s,$(call guest_sources,$(1)),$(O)/$(1)/$(patsubst tests/$(1)/guest/%,%,$(basename $(s))))
$(O)/$(1)/%: tests/$(1)/guest/%.c $(wildcard tests/conformance/*.h) $(wildcard tests/$(1)/guest/*.h tests/$(1)/guest/*/*.h)
	$(if $(Q),@echo "  GUEST $$@")
	$(Q)mkdir -p $$(@D) && $(CC) $(GUEST_CFLAGS) -Itests/$(1)/guest -o $$@ $$< -lrt
$(O)/$(1)/%: tests/$(1)/guest/%.S
	$(if $(Q),@echo "  GUEST $$@")
	$(Q)mkdir -p $$(@D) && $(CC) -nostdlib -static -o $$@ $$<
endef
$(foreach s,$(GUEST_SUITES),$(eval $(call guest_suite,$(s))))
.PHONY: guests
guests: $(foreach s,$(GUEST_SUITES),$(GUESTS_$(s)))

# ---- suites ---------------------------------------------------------------------------------------------------------------------

SUITES := unit conformance programs faults attacks fuzzcalls

test: deps
	+@$(MAKE) --no-print-directory -j$(NPROC) all
	+@$(MAKE) --no-print-directory -j$(NPROC) guests unit-build $(O)/fuzzcalls/syscalls
	+@MAKE="$(MAKE)" tests/harness/run-all.sh $(O)/test $(SUITES)

unit-build:
	+@$(if $(filter release,$(VARIANT)),$(MAKE) --no-print-directory VARIANT=debug O=$(O)/debug unit-build,true)
ifneq ($(VARIANT),release)
unit-build: $(UNIT_BINS)
endif

programs faults attacks: %: all guests
	@tests/harness/run-suite.sh $* $(O)

# Programs' own test suites against the host's result; PLATFORM=ptrace, FILTER=cpython/test_os for one. Long.
test-programs:
	@tools/check-deps --install build test programs
	+@$(MAKE) --no-print-directory -j$(NPROC) all
	@tests/programs/run-suites.py --picket $(O)/picket --out $(O)/programs-out $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(FILTER),--filter '$(FILTER)')

DRIVER_SRCS := $(wildcard tests/conformance/*.c)
$(O)/picket-conformance: $(call objects,$(DRIVER_SRCS)) $(O)/lib/base.a
	$(if $(Q),@echo "  LD $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# PLATFORM=seccomp, FILTER=text narrow it.
conformance: all $(GUESTS_conformance) $(O)/picket-conformance
	@$(O)/picket-conformance --picket $(O)/picket --programs $(O)/conformance --gaps tests/conformance/known-gaps.txt \
		$(if $(PLATFORM),--platform $(PLATFORM)) $(if $(FILTER),--filter '$(FILTER)')

# ---- the rest -------------------------------------------------------------------------------------------------------------------

deps:
	@tools/check-deps --install build demo test

asan:
	+@$(MAKE) --no-print-directory VARIANT=asan O=$(O)/asan all unit

demo:
	@tools/check-deps --install build demo
	+@$(MAKE) --no-print-directory -j$(NPROC) all
	tools/demo/run.sh $(O)/picket

lint:
	@tools/check-deps --install build test lint
	@tools/check-all $(O)

# micro is made of all its parts, the other guests of one file each.
BENCH_GUESTS := $(patsubst benchmarks/guest/%.c,$(O)/bench/%,$(filter-out benchmarks/guest/micro%,$(wildcard benchmarks/guest/*.c))) $(O)/bench/micro
$(O)/bench/micro: $(wildcard benchmarks/guest/micro*)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(filter-out -Wundef,$(WARNINGS)) -static -pthread -o $@ $(filter %.c,$^)
$(O)/bench/%: benchmarks/guest/%.c
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARNINGS) -static -o $@ $<

# ONLY=fork,stat for some of it; ROUNDS=5.
bench: all $(BENCH_GUESTS)
	@benchmarks/run.sh $(O) $(ONLY)

bench-peers:
	@benchmarks/install-peers.sh

# The guest that makes random system calls, each kind of argument as the call table has it; tests/fuzz/syscalls.sh says what can be set.
# With the sanitizers: make VARIANT=asan O=build/asan fuzzcalls.
$(O)/fuzzcalls/syscalls: $(wildcard tests/fuzz/guest/*.c tests/fuzz/guest/*.h sentry/trace/names*.c sentry/trace/names.h) \
		abi/x86_64/syscalls.def sentry/syscalls/kinds.def | $(ROOTS_MADE)
	$(if $(Q),@echo "  GUEST $@")
	$(Q)mkdir -p $(@D) && $(CC) $(GUEST_CFLAGS) -I$(O)/include/sentry -o $@ $(filter %.c,$^) -lrt
fuzzcalls: all $(O)/fuzzcalls/syscalls
	@FUZZ_SEED=$${FUZZ_SEED:-7000} tests/fuzz/syscalls.sh $(O)/picket $(O)/fuzzcalls/syscalls

# FUZZ=gofer for one, FUZZ=syscalls for the above; FUZZ_SECONDS each. Corpora are kept in $(O)/fuzz/corpus.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
ifeq ($(VARIANT),fuzz)
$(O)/fuzz_%: $(O)/obj/tests/fuzz/fuzz_%.o $(LIBS)
	$(if $(Q),@echo "  LD $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(LIBS) -Wl,--end-group $(LDLIBS)
fuzz: $(foreach f,$(or $(FUZZ),$(FUZZERS)),$(O)/fuzz_$(f))
	@tests/fuzz/run.sh $(O) $(or $(FUZZ),$(FUZZERS))
else
fuzz: $(if $(filter syscalls,$(or $(FUZZ),syscalls)),fuzzcalls)
	+@$(if $(filter-out syscalls,$(or $(FUZZ),all)),$(MAKE) --no-print-directory VARIANT=fuzz O=$(O)/fuzz fuzz)
endif

clean:
	rm -rf $(O)

-include $(patsubst %.o,%.d,$(ALL_OBJS) $(MAIN_OBJ) $(call objects,$(DRIVER_SRCS)))
-include $(patsubst %.o,%.d,$(foreach d,$(UNIT_DIRS),$(call objects,$(wildcard tests/unit/$(d)/*.c))))
