"""The commands, a module each: what is asked, what is called, what is shown."""
