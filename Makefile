# SPDX-License-Identifier: Apache-2.0
#
#     make demo    install what is missing, build, and run a real model
#     make test    install what is missing, build three ways, and run every test
#
# Thin over CMake: the presets are in CMakePresets.json.

JOBS ?= $(shell nproc)

.PHONY: demo test clean

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

clean:
	rm -rf build
