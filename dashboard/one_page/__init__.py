"""A trial on one page, to put before those who decide: the same content as a page to print and as a PDF."""
