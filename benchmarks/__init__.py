"""Comparisons, measured interleaved; never asserted."""
