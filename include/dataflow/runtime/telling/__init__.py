"""What people are told of a run: its news, how columns changed, and no value that nobody may see."""
