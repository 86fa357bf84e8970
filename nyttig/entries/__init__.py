"""What people enter about a trial: one dataclass a kind, whose fields are columns of its table and of its form."""
