"""Trial packages: a folder of plain files on one side, `nyttig.model` on the other. No database here."""
