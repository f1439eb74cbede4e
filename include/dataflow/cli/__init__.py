"""The program `dataflow`: its commands, and how all of them read what is given and show what there is."""
