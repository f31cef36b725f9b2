"""What the user named: paths, globs, addresses, standard input; and what kind of file each is."""
