"""Quarantine: rows that a run left out, whole, with what refused them, until somebody puts them right."""
