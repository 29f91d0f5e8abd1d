"""The datasets as they lie on disk, a file for each layout: its sequences, and the frame rows of one."""
