"""What creators and publishers say of use: a module per place where they say it, a record for what was found, a rule for what follows."""
