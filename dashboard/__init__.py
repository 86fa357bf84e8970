"""The door for readers: pages that show what the HTTP API says, and nothing from anywhere else."""
