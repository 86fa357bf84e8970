"""Pictures: each function takes what the API said and gives an Altair chart."""
