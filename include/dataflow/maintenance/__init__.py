"""Upkeep of an installation: what is left over or too old is deleted, once a day, beside running workflows."""
