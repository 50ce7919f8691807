# SPDX-License-Identifier: Apache-2.0
"""A second opinion on `.lks` models.

A slow and plain executor written from docs/spec.md and docs/format.md alone.
It shares no code with the engine, uses nothing but Python integers, and is
the judge of the golden packs in tests/golden/.
"""
