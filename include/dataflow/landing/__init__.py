"""Landed batches: immutable Parquet under a window's folder, visible only through their manifests."""
