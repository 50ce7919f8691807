# SPDX-License-Identifier: Apache-2.0
"""The cases of the golden packs, one module per family of ops."""
