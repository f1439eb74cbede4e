"""Modules of authors: how they are imported, what they are given, and what their settings must be."""
