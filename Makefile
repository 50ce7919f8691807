# SPDX-License-Identifier: Apache-2.0
#
#     make demo    install what is missing, build, and run a real model
#     make test    install what is missing, build three ways, and run every test
#     make install program, libraries and header to PREFIX (/usr/local), below DESTDIR
#
# Thin over CMake: the presets are in CMakePresets.json.

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: demo test install clean

# Configure and build one preset; what the compiler said is shown only where it failed.
build = mkdir -p build; { cmake --preset $(1) && cmake --build build/$(1) --parallel $(JOBS); } >build/$(1).log 2>&1 \
    || { cat build/$(1).log; exit 1; }

demo:
	@.ci/install demo
	@$(call build,demo)
	@sh examples/digits/demo.sh build/demo/lockstep

test:
	@.ci/install test
	@set -e; for preset in gcc clang sanitize; do \
	    echo "== $$preset"; \
	    $(call build,$$preset); \
	    ctest --test-dir build/$$preset --output-on-failure --parallel $(JOBS); \
	done

install:
	@.ci/install demo
	@$(call build,demo)
	@DESTDIR=$(DESTDIR) cmake --install build/demo --prefix $(PREFIX)

clean:
	rm -rf build
